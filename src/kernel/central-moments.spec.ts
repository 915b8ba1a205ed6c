import { describe, expect, it } from '@jest/globals';
import { golden, relativeError } from '../../test/golden/risk/golden.js';
import { centralMoments } from './central-moments.js';
import { excessKurtosis } from './excess-kurtosis.js';
import { logReturns } from './log-returns.js';
import { mean } from './mean.js';
import { portfolioReturns } from './portfolio-returns.js';
import { simpleReturns } from './simple-returns.js';
import { skewness } from './skewness.js';
import { standardDeviation } from './standard-deviation.js';
import { variance } from './variance.js';

describe('moments', () => {
  const pnl = portfolioReturns(golden.market.returns, golden.market.weights);

  it('equal scipy and numpy', () => {
    const { moments } = golden;
    const actual = [variance(pnl), skewness(pnl), excessKurtosis(pnl)];
    expect(relativeError(actual, [moments.variance, moments.skewness, moments.kurtosis])).toBeLessThan(1e-11);
    expect(mean(pnl)).toBeCloseTo(moments.mean, 16);
  });

  it('of a constant series are exactly 0, whatever the constant', () => {
    for (const c of [0.1, 1e9 + 0.1, -1 / 3]) {
      const series = new Array<number>(1000).fill(c);
      expect(mean(series)).toBe(c);
      expect(centralMoments(series)).toEqual({ mean: c, second: 0, third: 0, fourth: 0 });
      expect([standardDeviation(series), skewness(series), excessKurtosis(series)]).toEqual([0, 0, 0]);
    }
  });

  it('keep their digits under an offset of 1e9', () => {
    const noise = Array.from({ length: 500 }, (_, i) => Math.fround(Math.sin(i)) / 1024);
    const offset = noise.map((x) => Math.fround(x * 2 ** 20) / 2 ** 20);
    expect(relativeError([variance(offset.map((x) => x + 2 ** 24))], [variance(offset)])).toBeLessThan(1e-6);
  });

  it('refuse empty, too short and non-finite series', () => {
    expect(() => mean([])).toThrow(RangeError);
    expect(() => variance([1])).toThrow(/more than 1/);
    expect(variance([1], 0)).toBe(0);
    expect(() => skewness([1, Number.NaN])).toThrow(RangeError);
  });
});

describe('returns', () => {
  it('are relative differences, or their logarithm', () => {
    expect([...simpleReturns([100, 110, 99])]).toEqual([0.1, -0.1]);
    expect(logReturns([1, Math.E])[0]).toBeCloseTo(1, 15);
    expect(simpleReturns([5])).toHaveLength(0);
    expect(simpleReturns([7, 7])[0]).toBe(0);
  });

  it('refuse prices that are not positive and finite', () => {
    for (const bad of [[1, 0], [0, 1], [1, -2], [1, Number.NaN], [1, Infinity], []]) {
      expect(() => simpleReturns(bad)).toThrow(RangeError);
    }
  });

  it('of a portfolio are the weighted sum, for any number of assets', () => {
    for (const n of [1, 3, 4, 7]) {
      const series = Array.from({ length: n }, (_, i) => [i, 1, -i]);
      const out = portfolioReturns(series, new Array<number>(n).fill(0.5));
      expect([...out]).toEqual([(n * (n - 1)) / 4, n / 2, (-n * (n - 1)) / 4].map((x) => x + 0));
    }
    expect(() => portfolioReturns([[1], [1, 2]], [1, 1])).toThrow(RangeError);
  });
});
