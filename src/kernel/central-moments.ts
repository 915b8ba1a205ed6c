import { requireFinite } from './require-finite.js';

export interface CentralMoments {
  readonly mean: number;
  /** Population moments Σ(x − mean)^k / n. */
  readonly second: number;
  readonly third: number;
  readonly fourth: number;
}

/**
 * Mean and population central moments 2 to 4 in two passes over x − x₀. The second pass subtracts what rounding
 * left in the mean (Chan, Golub, LeVeque 1983), so an offset of 1e9 costs no digits and a constant series has
 * moments of exactly 0.
 *
 * @throws RangeError on an empty series, NaN or an infinity
 */
export function centralMoments(values: ArrayLike<number>): CentralMoments {
  requireFinite(values, 'moments');
  const n = values.length;
  const origin = values[0]!;
  let sum = 0;
  for (let i = 1; i < n; i++) sum += values[i]! - origin;
  const shift = sum / n;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  let s4 = 0;
  for (let i = 0; i < n; i++) {
    const d = values[i]! - origin - shift;
    const dd = d * d;
    s1 += d;
    s2 += dd;
    s3 += dd * d;
    s4 += dd * dd;
  }
  const c = s1 / n;
  const m2 = s2 / n - c * c;
  return {
    mean: origin + shift + c,
    second: Math.max(0, m2),
    third: s3 / n - 3 * c * (s2 / n) + 2 * c * c * c,
    fourth: s4 / n - 4 * c * (s3 / n) + 6 * c * c * (s2 / n) - 3 * c ** 4,
  };
}
