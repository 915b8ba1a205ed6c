import { chiSquareCdf } from './chi-square-cdf.js';
import { logGamma } from './log-gamma.js';
import { normalQuantile } from './normal-quantile.js';
import { solveIncreasing } from './solve-increasing.js';

/**
 * Inverse of the χ² distribution function: Newton's method on the logarithm of the smaller tail, from Wilson and
 * Hilferty's cube or, near 0, the leading term of the series.
 *
 * @param p in [0, 1]; 0 gives 0, 1 gives +∞
 * @param df > 0
 * @throws RangeError outside the domain
 * @example chiSquareQuantile(0.95, 1) // 3.841458820694124
 */
export function chiSquareQuantile(p: number, df: number): number {
  if (!(df > 0)) throw new RangeError(`chi-square: ${df} degrees of freedom`);
  if (!(p >= 0 && p <= 1)) throw new RangeError(`chi-square quantile: probability ${p} is not in [0, 1]`);
  if (p === 0) return 0;
  if (p === 1) return Infinity;
  const a = df / 2;
  const c = 2 / (9 * df);
  const cube = df * (1 - c + normalQuantile(p) * Math.sqrt(c)) ** 3;
  const nearZero = 2 * Math.exp((Math.log(p) + logGamma(a + 1)) / a);
  const start = cube > 0.01 * df && nearZero > 0.1 * df ? cube : Math.max(nearZero, 1e-300);
  const density = (x: number): number => Math.exp((a - 1) * Math.log(x / 2) - x / 2 - logGamma(a)) / 2;
  const upperTail = p > 0.5;
  const target = Math.log(upperTail ? 1 - p : p);
  return solveIncreasing(
    (x) => {
      const { lower, upper } = chiSquareCdf(x, df);
      return upperTail
        ? { value: target - Math.log(upper), slope: density(x) / upper }
        : { value: Math.log(lower) - target, slope: density(x) / lower };
    },
    start,
    0,
    Infinity,
  );
}
