import { cornishFisherQuantile } from './cornish-fisher-quantile.js';
import type { Tail } from './empirical-tail.js';
import { normalPdf } from './normal-pdf.js';
import { normalQuantile } from './normal-quantile.js';
import { requireLocationScale } from './require-location-scale.js';
import { tailProbability } from './tail-probability.js';

/** Mean, deviation and shape of one day's P&L; population moments for the shape. */
export interface Shape {
  readonly mean: number;
  readonly standardDeviation: number;
  readonly skewness: number;
  readonly excessKurtosis: number;
}

export interface CornishFisherTail extends Tail {
  /** False where the expansion is not a quantile function: the numbers are then given for comparison only. */
  readonly valid: boolean;
  readonly reason: string | null;
}

/**
 * Modified VaR = −μ·h − σ·√h·q(α) with the Cornish-Fisher quantile q, and its expected shortfall, the mean of that
 * quantile function over the tail: −μ·h − (σ·√h/α)·∫₀^α q(u) du in closed form, by E[z | z < zα] = −φ/α and its
 * powers. Over h independent days skewness shrinks by √h and excess kurtosis by h.
 *
 * @returns a loss positive, in the unit of the deviation
 * @throws RangeError on non-finite moments, a negative deviation, confidence outside (0, 1) or h ≤ 0
 */
export function cornishFisherTail(shape: Shape, confidence: number, horizonDays = 1): CornishFisherTail {
  const { mean, standardDeviation } = shape;
  requireLocationScale(mean, standardDeviation, horizonDays);
  const skewness = shape.skewness / Math.sqrt(horizonDays);
  const kurtosis = shape.excessKurtosis / horizonDays;
  const alpha = tailProbability(confidence);
  const z = normalQuantile(alpha);
  const { z: q, valid, reason } = cornishFisherQuantile(z, skewness, kurtosis);
  // Tail means of z, z² and z³ given z < zα.
  const m = normalPdf(z) / alpha;
  const z1 = -m;
  const z2 = 1 - z * m;
  const z3 = -(z * z + 2) * m;
  const tailMean =
    z1 +
    ((z2 - 1) * skewness) / 6 +
    ((z3 - 3 * z1) * kurtosis) / 24 -
    ((2 * z3 - 5 * z1) * skewness * skewness) / 36;
  const scale = standardDeviation * Math.sqrt(horizonDays);
  return {
    var: -scale * q - mean * horizonDays,
    expectedShortfall: -scale * tailMean - mean * horizonDays,
    valid,
    reason,
  };
}
