import { describe, expect, it } from '@jest/globals';
import { RateBucket } from './rate-bucket.js';

describe('RateBucket', () => {
  const times = (bucket: RateBucket, count: number, nowMs: number) =>
    Array.from({ length: count }, () => bucket.take(nowMs));

  it('takes a burst of four seconds’ worth, then the rate', () => {
    const bucket = new RateBucket(10);
    expect(times(bucket, 41, 1_000)).toEqual([...Array(40).fill('ok'), 'limited']);
    expect(times(bucket, 11, 2_000)).toEqual([...Array(10).fill('ok'), 'limited']);
  });

  it('calls it a flood when a sender does not stop although it was told', () => {
    const bucket = new RateBucket(10);
    let flood = -1;
    for (let ms = 0; ms < 10_000 && flood < 0; ms++) if (bucket.take(1_000 + ms) === 'flood') flood = ms;
    expect(flood).toBeGreaterThan(40);
    expect(flood).toBeLessThan(200);
  });

  it('forgives after a pause', () => {
    const bucket = new RateBucket(10);
    times(bucket, 60, 1_000);
    expect(times(bucket, 40, 20_000)).toEqual(Array(40).fill('ok'));
    expect(times(bucket, 40, 20_000)).toEqual(Array(40).fill('limited'));
  });

  it('does not stop when the clock goes back', () => {
    const bucket = new RateBucket(10);
    bucket.take(10_000);
    expect(bucket.take(5_000)).toBe('ok');
  });
});
