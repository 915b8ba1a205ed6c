import { requireLocationScale } from './require-location-scale.js';
import { dot, multiply, type SymmetricMatrix } from './symmetric-matrix.js';
import { fromMarginals, type VarComponents } from './var-components.js';

/**
 * Components of VaR = q·√h·√(e′Σe) − h·e′μ: normal (q = Φ⁻¹(confidence)), EWMA (Σ and μ = 0 of that estimator) and
 * Student's t (q of `scaledTTail`). Marginal: q·√h·(Σe)_i/σ − h·μ_i (Garman 1996; Jorion, "Value at Risk", ch. 7).
 *
 * A portfolio without variance (a perfect hedge) has no gradient there; its dispersion part is taken as 0, so that
 * components still sum to the total.
 *
 * @param exposures money or weight per asset
 * @param means one-day mean returns
 * @param multiplier q, VaR of the unit-variance distribution
 * @returns losses positive, in the unit of the exposures; of no assets, nothing
 * @throws RangeError when variance or mean are not finite (NaN or infinities among the inputs)
 */
export function ellipticalComponents(
  exposures: ArrayLike<number>,
  covariance: SymmetricMatrix,
  means: ArrayLike<number>,
  multiplier: number,
  horizonDays = 1,
): VarComponents {
  const n = covariance.size;
  const weighted = multiply(covariance, exposures);
  const variance = Math.max(0, dot(weighted, exposures));
  const sigma = Math.sqrt(variance);
  requireLocationScale(dot(means, exposures), sigma, horizonDays);
  const q = multiplier * Math.sqrt(horizonDays);
  const drift = dot(means, exposures) * horizonDays;
  const total = q * sigma - drift;
  const marginal = new Float64Array(n);
  const incremental = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    const e = exposures[i]!;
    marginal[i] = (sigma > 0 ? (q * weighted[i]!) / sigma : 0) - means[i]! * horizonDays;
    const without = Math.max(0, variance - 2 * e * weighted[i]! + e * e * covariance.data[i * n + i]!);
    incremental[i] = total - (q * Math.sqrt(without) - (drift - e * means[i]! * horizonDays));
  }
  return fromMarginals(total, exposures, marginal, incremental);
}
