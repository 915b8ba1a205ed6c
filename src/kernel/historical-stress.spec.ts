import { describe, expect, it } from '@jest/globals';
import { historicalStress } from './historical-stress.js';
import { shockLoss } from './shock-loss.js';

describe('stress', () => {
  it('a shock loses exposure × move, part by part', () => {
    const { loss, contributions } = shockLoss([1000, -500], [-0.2, -0.1]);
    expect(loss).toBe(150);
    expect([...contributions]).toEqual([200, -50]);
    expect(shockLoss([100], [-1]).loss).toBe(100);
  });

  it('refuses a fall by more than everything', () => {
    expect(() => shockLoss([1], [-1.01])).toThrow(RangeError);
    expect(() => shockLoss([1], [Number.NaN])).toThrow(RangeError);
    expect(() => shockLoss([1, 2], [0])).toThrow(RangeError);
  });

  it('a window compounds from its start and remembers the worst day in between', () => {
    const stress = historicalStress(
      [
        [100, 50, 90],
        [10, 10, 11],
      ],
      [1000, 100],
    );
    expect(stress.loss).toBeCloseTo(100 - 10, 12);
    expect([stress.worstLoss, stress.worstIndex]).toEqual([500, 1]);
    expect(() => historicalStress([[100]], [1])).toThrow(RangeError);
    expect(() => historicalStress([[100, 0]], [1])).toThrow(RangeError);
    expect(() => historicalStress([[1, 2], [1]], [1, 1])).toThrow(RangeError);
  });
});
