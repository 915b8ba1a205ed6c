/** A quantile of the Cornish-Fisher expansion, and whether the expansion is a quantile function at all. */
export interface CornishFisherQuantile {
  readonly z: number;
  readonly valid: boolean;
  /** Why not, when not valid. */
  readonly reason: string | null;
}

/**
 * Fourth-order Cornish-Fisher expansion of a standardised quantile,
 * z + (z²−1)S/6 + (z³−3z)K/24 − (2z³−5z)S²/36 (PerformanceAnalytics' "modified"; Favre and Galeano 2002).
 *
 * It is valid where it increases in z for every z (Maillard, "A User's Guide to the Cornish Fisher Expansion",
 * 2012): otherwise a higher confidence could give a lower VaR. The derivative a·z² + b·z + c has a = K/8 − S²/6, b
 * = S/3, c = 1 − K/8 + 5S²/36.
 *
 * @param z standard normal quantile
 * @param skewness S
 * @param excessKurtosis K
 * @throws RangeError on NaN or an infinity
 * @example cornishFisherQuantile(-2.3263478740408408, 0, 0).z // -2.3263478740408408
 */
export function cornishFisherQuantile(
  z: number,
  skewness: number,
  excessKurtosis: number,
): CornishFisherQuantile {
  if (!(Number.isFinite(z) && Number.isFinite(skewness) && Number.isFinite(excessKurtosis))) {
    throw new RangeError(`Cornish-Fisher: z = ${z}, skewness = ${skewness}, kurtosis = ${excessKurtosis}`);
  }
  const z2 = z * z;
  const expanded =
    z +
    ((z2 - 1) * skewness) / 6 +
    (z * (z2 - 3) * excessKurtosis) / 24 -
    (z * (2 * z2 - 5) * skewness * skewness) / 36;
  const a = excessKurtosis / 8 - (skewness * skewness) / 6;
  const b = skewness / 3;
  const c = 1 - excessKurtosis / 8 + (5 * skewness * skewness) / 36;
  const valid = a >= 0 && c >= 0 && b * b <= 4 * a * c;
  return {
    z: expanded,
    valid,
    reason: valid
      ? null
      : `the expansion is not monotone for skewness ${skewness.toFixed(4)} and excess kurtosis ${excessKurtosis.toFixed(4)}`,
  };
}
