/**
 * Powers of λ and the sums of the first n of them, for exponentially weighted figures over a finite window:
 * the newest point weighs 1, the one before λ, then λ² …, and the weights are divided by their sum.
 */
export interface EwmaWeights {
  readonly lambda: number;
  /**
   * `power[n] = λⁿ`; from the last entry on (below 2⁻⁹⁰⁰, where products would get denormal and slow) it counts as
   * 0.
   */
  readonly power: Float64Array;
  /** `sum[n] = 1 + λ + … + λⁿ⁻¹`; from `sum.length` on it stays at its last entry. */
  readonly sum: Float64Array;
  /** `inverse[n] = 1 / sum[n]`. */
  readonly inverse: Float64Array;
}

/** λ of RiskMetrics for daily data; the default of the window. */
export const defaultLambda = 0.94;

/** 2²⁰ weights reach λ = 0.9993; a slower decay over such a window is no longer a recent figure. */
const maxWeights = 2 ** 20;
const made = new Map<number, EwmaWeights>();

/**
 * Tables for one λ, shared by all windows that use it.
 * @param lambda decay per point, 0 < λ ≤ 0.9993
 * @throws RangeError for another λ
 */
export function ewmaWeights(lambda: number): EwmaWeights {
  const known = made.get(lambda);
  if (known) return known;
  if (!(lambda > 0 && lambda <= 0.9993)) throw new RangeError('lambda must be above 0 and at most 0.9993');
  const length = Math.min(maxWeights, Math.ceil(Math.log(2 ** -900) / Math.log(lambda)) + 2);
  const power = new Float64Array(length);
  const sum = new Float64Array(length);
  const inverse = new Float64Array(length);
  for (let n = 0; n < length; n++) {
    power[n] = n === 0 ? 1 : lambda ** n;
    // The closed form: adding up the powers would add up their roundings too.
    sum[n] = -Math.expm1(n * Math.log(lambda)) / (1 - lambda);
    inverse[n] = 1 / sum[n]!;
  }
  const weights = { lambda, power, sum, inverse };
  // One entry per λ that a caller chose; a server has one or two.
  if (made.size >= 16) made.clear();
  made.set(lambda, weights);
  return weights;
}
