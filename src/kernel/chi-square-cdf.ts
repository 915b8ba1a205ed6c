import { regularizedGamma } from './regularized-gamma.js';

/**
 * Distribution function of χ² with `df` degrees of freedom; `upper` is 1 − cdf with its own relative accuracy,
 * which is what p-values of likelihood-ratio tests are made of.
 *
 * @param x ≥ 0 (below 0 nothing lies)
 * @param df > 0
 * @throws RangeError for df ≤ 0 or NaN
 * @example chiSquareCdf(3.841458820694124, 1).upper // 0.05
 */
export function chiSquareCdf(x: number, df: number): { readonly lower: number; readonly upper: number } {
  if (!(df > 0) || Number.isNaN(x)) throw new RangeError(`chi-square: x = ${x}, df = ${df}`);
  return x <= 0 ? { lower: 0, upper: 1 } : regularizedGamma(df / 2, x / 2);
}
