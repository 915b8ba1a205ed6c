import { describe, expect, it } from '@jest/globals';
import { SampleRing } from './sample-ring.js';

describe('SampleRing', () => {
  it('keeps the newest values at its step and finds them by time', () => {
    const ring = new SampleRing(3, 10);
    for (const at of [0, 5, 10, 20, 29, 30]) ring.offer(at, at);
    expect(ring.length).toBe(3);
    expect([0, 1, 2].map((i) => ring.value(i))).toEqual([10, 20, 30]);
    expect([9, 10, 19, 25, 100].map((at) => ring.indexAtOrBefore(at))).toEqual([-1, 0, 0, 1, 2]);
  });

  it('has nothing to find while it is empty', () => {
    expect(new SampleRing(3, 10).indexAtOrBefore(5)).toBe(-1);
  });
});
