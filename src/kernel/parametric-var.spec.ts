import { describe, expect, it } from '@jest/globals';
import { golden, relativeError } from '../../test/golden/risk/golden.js';
import { cornishFisherTail } from './cornish-fisher-tail.js';
import { cornishFisherVar } from './cornish-fisher-var.js';
import { ewmaVariance } from './ewma-variance.js';
import { parametricExpectedShortfall } from './parametric-expected-shortfall.js';
import { parametricVar } from './parametric-var.js';
import { portfolioReturns } from './portfolio-returns.js';
import { studentTTail } from './student-t-tail.js';
import { studentTVar } from './student-t-var.js';

describe('closed-form VaR', () => {
  it.each(golden.parametric.rows)('normal: mean $mean, sd $sd, $confidence, $h days', (r) => {
    const actual = [
      parametricVar(r.mean, r.sd, r.confidence, r.h),
      parametricExpectedShortfall(r.mean, r.sd, r.confidence, r.h),
    ];
    expect(relativeError(actual, [r.var, r.es])).toBeLessThan(1e-10);
  });

  it.each(golden.student_t.rows)('Student t with $df degrees of freedom at $confidence, $h days', (r) => {
    const tail = studentTTail(r.mean, r.sd, r.df, r.confidence, r.h);
    expect(relativeError([tail.var, tail.expectedShortfall], [r.var, r.es])).toBeLessThan(1e-9);
    expect(studentTVar(r.mean, r.sd, r.df, r.confidence, r.h)).toBe(tail.var);
  });

  it.each(golden.cornish_fisher.rows)(
    'Cornish-Fisher: S $skewness, K $kurtosis at $confidence, valid $valid',
    (r) => {
      const shape = {
        mean: r.mean,
        standardDeviation: r.sd,
        skewness: r.skewness,
        excessKurtosis: r.kurtosis,
      };
      const tail = cornishFisherTail(shape, r.confidence, r.h);
      expect(relativeError([tail.var, tail.expectedShortfall], [r.var, r.es])).toBeLessThan(1e-9);
      expect(tail.valid).toBe(r.valid);
      expect(tail.reason === null).toBe(r.valid);
      expect(cornishFisherVar(shape, r.confidence, r.h).var).toBe(tail.var);
    },
  );

  it('Cornish-Fisher without skewness and kurtosis is the normal VaR', () => {
    const shape = { mean: 0.001, standardDeviation: 0.02, skewness: 0, excessKurtosis: 0 };
    const tail = cornishFisherTail(shape, 0.99, 3);
    expect(tail.var).toBeCloseTo(parametricVar(0.001, 0.02, 0.99, 3), 15);
    expect(tail.expectedShortfall).toBeCloseTo(parametricExpectedShortfall(0.001, 0.02, 0.99, 3), 15);
  });

  it('t with many degrees of freedom becomes normal, and has more tail before that at 99 %', () => {
    expect(studentTVar(0, 1, 1e8, 0.99)).toBeCloseTo(parametricVar(0, 1, 0.99), 7);
    expect(studentTVar(0, 1, 5, 0.99)).toBeGreaterThan(parametricVar(0, 1, 0.99));
  });

  it.each(golden.ewma.rows)('EWMA variance with λ $lambda equals pandas', ({ lambda, variance }) => {
    const pnl = portfolioReturns(golden.market.returns, golden.market.weights);
    expect(relativeError([ewmaVariance(pnl, lambda)], [variance])).toBeLessThan(1e-12);
  });

  it('a perfect hedge has no dispersion, only its drift', () => {
    expect(parametricVar(0, 0, 0.99)).toBe(0);
    expect(parametricVar(0.01, 0, 0.99, 2)).toBe(-0.02);
    expect(studentTTail(0, 0, 4, 0.99)).toEqual({ var: 0, expectedShortfall: 0 });
  });

  it('refuses what is outside the domain', () => {
    expect(() => parametricVar(0, -1, 0.99)).toThrow(RangeError);
    expect(() => parametricVar(Number.NaN, 1, 0.99)).toThrow(RangeError);
    expect(() => parametricVar(0, 1, 1.5)).toThrow(RangeError);
    expect(() => parametricVar(0, 1, 0.99, 0)).toThrow(RangeError);
    expect(() => studentTVar(0, 1, 2, 0.99)).toThrow(/variance does not exist/);
    expect(() => ewmaVariance([], 0.94)).toThrow(RangeError);
    expect(() => ewmaVariance([1], 1)).toThrow(RangeError);
  });
});
