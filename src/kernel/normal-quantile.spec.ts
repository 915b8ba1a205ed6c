import { describe, expect, it } from '@jest/globals';
import { golden, relativeError } from '../../test/golden/risk/golden.js';
import { binomialCdf } from './binomial-cdf.js';
import { chiSquareCdf } from './chi-square-cdf.js';
import { chiSquareQuantile } from './chi-square-quantile.js';
import { logGamma } from './log-gamma.js';
import { normalCdf } from './normal-cdf.js';
import { normalQuantile } from './normal-quantile.js';
import { studentTCdf } from './student-t-cdf.js';
import { studentTPdf } from './student-t-pdf.js';
import { studentTQuantile } from './student-t-quantile.js';

describe('distribution functions against 50-digit arithmetic', () => {
  it.each(golden.normal_cdf.rows)('Φ(%d) to 1e-12 relative', (x, p) => {
    expect(relativeError([normalCdf(x)], [p])).toBeLessThan(1e-12);
  });

  it.each(golden.normal_quantile.rows)('Φ⁻¹(%d) to 1e-12 relative', (p, x) => {
    expect(relativeError([normalQuantile(p)], [x])).toBeLessThan(1e-12);
  });

  it('Student t distribution function, 0.5 to 100,000 degrees of freedom, to 1e-12 relative', () => {
    const rows = golden.student_t_cdf.rows;
    const actual = rows.map(([x, df]) => studentTCdf(x, df));
    expect(
      relativeError(
        actual,
        rows.map((r) => r[2]),
      ),
    ).toBeLessThan(1e-12);
  });

  it('Student t quantile from 1e-10 to 0.99 to 1e-12 relative', () => {
    const rows = golden.student_t_quantile.rows;
    const actual = rows.map(([p, df]) => studentTQuantile(p, df));
    expect(
      relativeError(
        actual,
        rows.map((r) => r[2]),
      ),
    ).toBeLessThan(1e-12);
  });

  it('both tails of χ² to 1e-12 relative, down to 1e-300', () => {
    const rows = golden.chi_square_cdf.rows;
    const both = rows.map(([x, df]) => chiSquareCdf(x, df));
    expect(
      relativeError(
        both.map((b) => b.lower),
        rows.map((r) => r[2]),
      ),
    ).toBeLessThan(1e-12);
    expect(
      relativeError(
        both.map((b) => b.upper),
        rows.map((r) => r[3]),
      ),
    ).toBeLessThan(1e-12);
  });

  it('χ² quantile to 1e-12 relative', () => {
    const rows = golden.chi_square_quantile.rows;
    const actual = rows.map(([p, df]) => chiSquareQuantile(p, df));
    expect(
      relativeError(
        actual,
        rows.map((r) => r[2]),
      ),
    ).toBeLessThan(1e-12);
  });

  it('ln Γ and the binomial distribution', () => {
    expect(
      relativeError(
        golden.log_gamma.rows.map(([x]) => logGamma(x)),
        golden.log_gamma.rows.map((r) => r[1]),
      ),
    ).toBeLessThan(1e-13);
    const rows = golden.binomial_cdf.rows;
    expect(
      relativeError(
        rows.map(([k, n, p]) => binomialCdf(k, n, p)),
        rows.map((r) => r[3]),
      ),
    ).toBeLessThan(1e-12);
  });
});

describe('distribution functions at their edges', () => {
  // National Institute of Standards, e-Handbook of Statistical Methods, tables 1.3.6.7.2 and 1.3.6.7.4.
  it('agrees with the printed tables of t and χ²', () => {
    expect(studentTQuantile(0.975, 10)).toBeCloseTo(2.228, 3);
    expect(studentTQuantile(0.99, 5)).toBeCloseTo(3.365, 3);
    expect(chiSquareQuantile(0.95, 1)).toBeCloseTo(3.841, 3);
    expect(chiSquareQuantile(0.95, 2)).toBeCloseTo(5.991, 3);
  });

  it('inverts itself', () => {
    for (const p of [1e-8, 0.003, 0.2, 0.5, 0.77, 0.999]) {
      expect(normalCdf(normalQuantile(p))).toBeCloseTo(p, 14);
      expect(studentTCdf(studentTQuantile(p, 4.5), 4.5)).toBeCloseTo(p, 13);
      expect(chiSquareCdf(chiSquareQuantile(p, 4.5), 4.5).lower).toBeCloseTo(p, 13);
    }
  });

  it('gives infinities at 0 and 1 and refuses what is no probability', () => {
    expect(normalQuantile(0)).toBe(-Infinity);
    expect(normalQuantile(1)).toBe(Infinity);
    expect(studentTQuantile(0.5, 3)).toBe(0);
    expect(chiSquareQuantile(0, 3)).toBe(0);
    for (const p of [-0.1, 1.1, Number.NaN]) {
      expect(() => normalQuantile(p)).toThrow(RangeError);
      expect(() => studentTQuantile(p, 3)).toThrow(RangeError);
      expect(() => chiSquareQuantile(p, 3)).toThrow(RangeError);
    }
    expect(() => studentTQuantile(0.1, 0)).toThrow(RangeError);
    expect(normalCdf(Number.NaN)).toBeNaN();
  });

  it('the t density becomes the normal one', () => {
    expect(studentTPdf(1, 4)).toBeCloseTo(0.21466252583997, 13);
    expect(studentTPdf(0, 1e14)).toBeCloseTo(0.3989422804014327, 14);
  });
});
