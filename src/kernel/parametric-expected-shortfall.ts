import { normalPdf } from './normal-pdf.js';
import { normalQuantile } from './normal-quantile.js';
import { requireLocationScale } from './require-location-scale.js';
import { tailProbability } from './tail-probability.js';

/**
 * Expected shortfall of the normal distribution, ES = σ·√h·φ(z)/α − μ·h with α = 1 − confidence, z =
 * Φ⁻¹(confidence) (McNeil, Frey, Embrechts, "Quantitative Risk Management", 2.18). Parameters, unit, sign and
 * errors as `parametricVar`.
 *
 * @example parametricExpectedShortfall(0, 0.01, 0.99) // 0.026652142203458
 */
export function parametricExpectedShortfall(
  mean: number,
  standardDeviation: number,
  confidence: number,
  horizonDays = 1,
): number {
  requireLocationScale(mean, standardDeviation, horizonDays);
  const alpha = tailProbability(confidence);
  const factor = normalPdf(normalQuantile(alpha)) / alpha;
  return factor * standardDeviation * Math.sqrt(horizonDays) - mean * horizonDays;
}
