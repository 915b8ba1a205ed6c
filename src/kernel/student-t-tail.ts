import type { Tail } from './empirical-tail.js';
import { requireLocationScale } from './require-location-scale.js';
import { studentTPdf } from './student-t-pdf.js';
import { studentTQuantile } from './student-t-quantile.js';
import { tailProbability } from './tail-probability.js';

/**
 * VaR and expected shortfall under Student's t, scaled so that its variance is the given one: scale s =
 * σ·√((ν−2)/ν), VaR = −s·√h·t_ν⁻¹(α) − μ·h, ES = s·√h·(f(t)/α)·(ν + t²)/(ν − 1) − μ·h (McNeil, Frey, Embrechts
 * 2.19). The √h scaling is the convention; a sum of t variables is not exactly t.
 *
 * @param degreesOfFreedom ν > 2: at or below it the variance does not exist and σ cannot be matched
 * @param standardDeviation of one day's P&L, ≥ 0; 0 (a perfect hedge) gives both as −μ·h
 * @returns a loss positive, in the unit of the deviation
 * @throws RangeError outside the domains, NaN included
 * @example studentTTail(0, 0.01, 5, 0.99).var // 0.02606500…
 */
export function studentTTail(
  mean: number,
  standardDeviation: number,
  degreesOfFreedom: number,
  confidence: number,
  horizonDays = 1,
): Tail {
  requireLocationScale(mean, standardDeviation, horizonDays);
  const { quantile, shortfall } = scaledTTail(degreesOfFreedom, confidence);
  const scale = standardDeviation * Math.sqrt(horizonDays);
  return {
    var: scale * quantile - mean * horizonDays,
    expectedShortfall: scale * shortfall - mean * horizonDays,
  };
}

/** VaR and expected shortfall of the unit-variance t: the multiples of σ. */
export function scaledTTail(
  degreesOfFreedom: number,
  confidence: number,
): { readonly quantile: number; readonly shortfall: number } {
  const df = degreesOfFreedom;
  if (!(df > 2 && df < Infinity)) {
    throw new RangeError(`degrees of freedom are ${df}, not more than 2: the variance does not exist`);
  }
  const alpha = tailProbability(confidence);
  const t = studentTQuantile(alpha, df);
  const scale = Math.sqrt((df - 2) / df);
  return {
    quantile: -t * scale,
    shortfall: ((studentTPdf(t, df) / alpha) * (df + t * t) * scale) / (df - 1),
  };
}
