import { describe, expect, it } from '@jest/globals';
import { periodsPerYear } from './periods-per-year.js';

describe('periodsPerYear', () => {
  it('takes 252 for daily data, with weekends or without', () => {
    expect(periodsPerYear(86_400_000)).toBe(252);
    expect(periodsPerYear((86_400_000 * 365) / 252)).toBe(252);
  });

  it('divides the calendar year otherwise', () => {
    expect(periodsPerYear(60_000)).toBe(525_960);
    expect(periodsPerYear(7 * 86_400_000)).toBeCloseTo(52.18, 2);
  });

  it('has no answer without a spacing', () => {
    expect(periodsPerYear(0)).toBeNaN();
    expect(periodsPerYear(Number.NaN)).toBeNaN();
  });
});
