import { regularizedBeta } from './regularized-beta.js';

/**
 * P(X ≤ k) for n independent trials of probability p, by the incomplete beta function.
 *
 * @throws RangeError when n is no natural number or p outside [0, 1]
 */
export function binomialCdf(k: number, n: number, p: number): number {
  if (!(Number.isInteger(n) && n >= 0) || !(p >= 0 && p <= 1))
    throw new RangeError(`binomial: n = ${n}, p = ${p}`);
  if (k < 0) return 0;
  if (k >= n) return 1;
  const whole = Math.floor(k);
  return regularizedBeta(n - whole, whole + 1, 1 - p, p).lower;
}
