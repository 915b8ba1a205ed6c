import { normalQuantile } from './normal-quantile.js';
import { requireLocationScale } from './require-location-scale.js';
import { tailProbability } from './tail-probability.js';

/**
 * Parametric (variance-covariance) value at risk under the normal distribution, VaR = z·σ·√h − μ·h with z =
 * Φ⁻¹(confidence). RiskMetrics Technical Document (1996); with an EWMA σ and μ = 0 it is that document's own VaR.
 *
 * @param mean of one day's P&L (money or fraction); 0 by the RiskMetrics convention
 * @param standardDeviation of one day's P&L, ≥ 0; 0 (a perfect hedge) gives VaR = −μ·h
 * @param horizonDays h > 0: mean times h, deviation times √h (independent days)
 * @returns a loss positive
 * @throws RangeError outside these domains, NaN included
 * @example parametricVar(0, 0.01, 0.99) // 0.023263478740408408
 */
export function parametricVar(
  mean: number,
  standardDeviation: number,
  confidence: number,
  horizonDays = 1,
): number {
  requireLocationScale(mean, standardDeviation, horizonDays);
  const z = -normalQuantile(tailProbability(confidence));
  return z * standardDeviation * Math.sqrt(horizonDays) - mean * horizonDays;
}
