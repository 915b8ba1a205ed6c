import { describe, expect, it } from '@jest/globals';
import { Backoff } from './backoff.js';

describe('Backoff', () => {
  it('doubles up to its maximum and never waits less than half of the ceiling', () => {
    const low = new Backoff({ firstMs: 100, maxMs: 450 }, () => 0);
    expect([low.next(), low.next(), low.next(), low.next()]).toEqual([50, 100, 200, 225]);
    const high = new Backoff({ firstMs: 100, maxMs: 450 }, () => 1);
    expect([high.next(), high.next(), high.next(), high.next()]).toEqual([100, 200, 400, 450]);
  });

  it('starts over after a success', () => {
    const backoff = new Backoff({ firstMs: 100, maxMs: 1_000 }, () => 1);
    backoff.next();
    backoff.next();
    backoff.reset();
    expect(backoff.next()).toBe(100);
  });
});
