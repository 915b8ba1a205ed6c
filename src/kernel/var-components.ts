/**
 * VaR taken apart by position.
 *
 * `component` sums to `total` (Euler: VaR is homogeneous of degree 1 in the exposures); `marginal` is the change of
 * VaR per unit of exposure; `incremental` is total − VaR of the portfolio without that position.
 */
export interface VarComponents {
  readonly total: number;
  readonly marginal: Float64Array;
  readonly component: Float64Array;
  readonly incremental: Float64Array;
}

/** Components from marginals: exposure × marginal. */
export function fromMarginals(
  total: number,
  exposures: ArrayLike<number>,
  marginal: Float64Array,
  incremental: Float64Array,
): VarComponents {
  return { total, marginal, component: marginal.map((m, i) => m * exposures[i]! + 0), incremental };
}
