import { stirlingError } from './stirling-error.js';

/**
 * Density of Student's t with `df` degrees of freedom, in Loader's form (accurate for df up to 1e15, where it is
 * the normal one).
 *
 * @param df > 0
 * @throws RangeError for df ≤ 0 or NaN
 */
export function studentTPdf(x: number, df: number): number {
  if (!(df > 0)) throw new RangeError(`Student t: ${df} degrees of freedom`);
  // Γ((ν+1)/2) / Γ(ν/2) by Stirling with its error terms: large ν cancels analytically.
  const t = -devianceHalf(df) + stirlingError((df + 1) / 2) - stirlingError(df / 2);
  const s = (x * x) / df;
  return Math.exp(t - 0.5 * df * Math.log1p(s)) / Math.sqrt(2 * Math.PI * (1 + s));
}

/** n/2·ln(n/(n+1)) + ½ = bd0(n/2, (n+1)/2), without cancellation. */
function devianceHalf(df: number): number {
  return 0.5 - 0.5 * df * Math.log1p(1 / df);
}
