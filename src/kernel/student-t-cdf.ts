import { regularizedBeta } from './regularized-beta.js';

/**
 * Distribution function of Student's t, P(T ≤ x), through the incomplete beta function; relative accuracy 1e-12 in
 * both tails.
 *
 * @param df degrees of freedom > 0, need not be whole
 * @returns in [0, 1]; 0 and 1 at ∓∞; NaN for NaN
 * @throws RangeError for df ≤ 0
 * @example studentTCdf(0, 4) // 0.5
 */
export function studentTCdf(x: number, df: number): number {
  if (!(df > 0)) throw new RangeError(`Student t: ${df} degrees of freedom`);
  if (Number.isNaN(x)) return Number.NaN;
  if (!Number.isFinite(x)) return x < 0 ? 0 : 1;
  const square = x * x;
  const beyond = square === Infinity ? 0 : df / (df + square);
  const within = square === Infinity ? 1 : square / (df + square);
  const tail = 0.5 * regularizedBeta(df / 2, 0.5, beyond, within).lower;
  return x < 0 ? tail : 1 - tail;
}
