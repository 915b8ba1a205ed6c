import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { golden, relativeError } from '../../test/golden/risk/golden.js';
import { quantile } from './quantile.js';
import type { QuantileType } from './quantile-position.js';
import { selectSmallest } from './select-smallest.js';
import { tailProbability } from './tail-probability.js';

describe('quantile', () => {
  const { samples, probabilities, values } = golden.quantile;
  it.each([1, 2, 3, 4, 5, 6, 7, 8, 9] as QuantileType[])('type %d equals R', (type) => {
    samples.forEach((sample, s) => {
      const actual = probabilities.map((p) => quantile(sample, p, type));
      expect(relativeError(actual, values[s]![type - 1] as unknown as number[])).toBeLessThan(1e-14);
    });
  });

  it('picks the tenth of 1,000 at 99 % although 1 − 0.99 is above 0.01 in binary', () => {
    const losses = Array.from({ length: 1000 }, (_, i) => i + 1);
    expect(1 - 0.99).toBeGreaterThan(0.01);
    expect(quantile(losses, 1 - 0.99, 1)).toBe(10);
    expect(quantile(losses, tailProbability(0.99), 1)).toBe(10);
    expect(quantile(losses, tailProbability(0.999), 1)).toBe(1);
  });

  it('does not change its input, refuses empty and NaN, takes a single value', () => {
    const input = Float64Array.of(3, 1, 2);
    quantile(input, 0.5);
    expect([...input]).toEqual([3, 1, 2]);
    expect(quantile([4], 0.01)).toBe(4);
    expect(() => quantile([], 0.5)).toThrow(RangeError);
    expect(() => quantile([1, Number.NaN], 0.5)).toThrow(RangeError);
    expect(() => quantile([1], 1.5)).toThrow(RangeError);
  });

  it.each([95, 1.5, 1, 0, -0.1, Number.NaN])('refuses the confidence %d', (confidence) => {
    expect(() => tailProbability(confidence)).toThrow(RangeError);
  });
});

describe('selectSmallest', () => {
  it('agrees with a sort and leaves the array partitioned', () => {
    const series = fc.array(fc.oneof(fc.integer({ min: -5, max: 5 }), fc.double({ noNaN: true })), {
      minLength: 1,
      maxLength: 1500,
    });
    fc.assert(
      fc.property(series, fc.double({ min: 0, max: 1, noNaN: true }), (values, share) => {
        const k = Math.min(values.length - 1, Math.floor(share * values.length));
        const work = Float64Array.from(values);
        const picked = selectSmallest(work, k);
        const sorted = Float64Array.from(values).sort();
        expect(picked).toBeCloseTo(sorted[k]!, 300);
        for (let i = 0; i < k; i++) expect(work[i]! <= picked).toBe(true);
        for (let i = k; i < work.length; i++) expect(work[i]! >= picked).toBe(true);
      }),
      { numRuns: 60 },
    );
  });
});
