import { type QuantileType, quantilePosition } from './quantile-position.js';
import { requireFinite } from './require-finite.js';
import { selectSmallest } from './select-smallest.js';
import { tailProbability } from './tail-probability.js';

/**
 * How expected shortfall is estimated from scenarios.
 * - `mean_beyond_var`: mean of the losses ≥ VaR (numpy's `losses[losses >= var].mean()`, PerformanceAnalytics,
 *   QuantLib)
 * - `acerbi_tasche`: mean of the worst n·α scenarios, the last one counted by its fraction (Acerbi and Tasche 2002)
 */
export type ShortfallEstimator = 'mean_beyond_var' | 'acerbi_tasche';

export interface EmpiricalTailOptions {
  readonly quantileType?: QuantileType;
  readonly shortfall?: ShortfallEstimator;
}

/** VaR and expected shortfall of a set of scenarios, in their unit; a loss is positive. */
export interface Tail {
  readonly var: number;
  readonly expectedShortfall: number;
}

/**
 * VaR = −(α-quantile of P&L) with α = 1 − confidence (Hyndman and Fan's types), and its expected shortfall by
 * `options.shortfall`, from one selection.
 *
 * @param pnl profit (+) and loss (−) per scenario, equally likely, any order; not changed
 * @param confidence in (0, 1)
 * @returns losses positive, in the unit of `pnl`; a single scenario is its own tail
 * @throws RangeError on no scenarios, NaN, an infinity, or confidence outside (0, 1)
 */
export function empiricalTail(
  pnl: ArrayLike<number>,
  confidence: number,
  options: EmpiricalTailOptions = {},
): Tail {
  requireFinite(pnl, 'pnl');
  return tailInPlace(Float64Array.from(pnl), confidence, options);
}

/** {@link empiricalTail} without the copy and the check: `pnl` is reordered and must be finite. */
export function tailInPlace(pnl: Float64Array, confidence: number, options: EmpiricalTailOptions = {}): Tail {
  return tailOfSmallest(pnl, pnl.length, pnl.length, confidence, options);
}

/** Highest rank (from 0) of the ascending P&L that VaR and expected shortfall look at. */
export function tailRank(total: number, confidence: number, quantileType: QuantileType = 7): number {
  const alpha = tailProbability(confidence);
  const { upper } = quantilePosition(total, alpha, quantileType);
  return Math.min(total - 1, Math.max(upper, Math.ceil(total * alpha - 1e-9) - 1));
}

/**
 * The same when only the smallest values of `total` scenarios are at hand.
 *
 * @param smallest its first `length` entries are all values of the scenarios up to some bound, in any order: more
 *   than {@link tailRank} of them; they are reordered
 */
export function tailOfSmallest(
  smallest: Float64Array,
  length: number,
  total: number,
  confidence: number,
  { quantileType = 7, shortfall = 'mean_beyond_var' }: EmpiricalTailOptions = {},
): Tail {
  const alpha = tailProbability(confidence);
  const { lower, upper, weight } = quantilePosition(total, alpha, quantileType);
  const high = selectSmallest(smallest, upper, 0, length - 1);
  const low = lower === upper ? high : selectSmallest(smallest, lower, 0, upper);
  const quantile = interpolate(low, high, weight);
  return {
    // Adding 0 turns −0 into 0: no loss is not "minus no loss".
    var: -quantile + 0,
    expectedShortfall:
      shortfall === 'acerbi_tasche'
        ? worstFraction(smallest, length, total * alpha)
        : meanAtMost(smallest, length, quantile),
  };
}

/** Exact at both ends, where low + weight·(high − low) would round. */
function interpolate(low: number, high: number, weight: number): number {
  if (weight === 0) return low;
  return weight === 1 ? high : low + weight * (high - low);
}

function meanAtMost(values: Float64Array, length: number, bound: number): number {
  let sum = 0;
  let count = 0;
  for (let i = 0; i < length; i++) {
    if (values[i]! <= bound) {
      sum += values[i]! - bound;
      count++;
    }
  }
  // Interpolation may round to just below the smallest value: then that value is the bound.
  return -(bound + (count === 0 ? 0 : sum / count)) + 0;
}

function worstFraction(values: Float64Array, length: number, weight: number): number {
  const whole = Math.floor(weight + 1e-9);
  const rest = weight - whole;
  if (whole === 0) return -selectSmallest(values, 0, 0, length - 1) + 0;
  const last = selectSmallest(values, Math.min(whole, length - 1), 0, length - 1);
  selectSmallest(values, whole - 1, 0, length - 1);
  let sum = rest > 1e-9 ? rest * last : 0;
  for (let i = 0; i < whole; i++) sum += values[i]!;
  return -sum / (rest > 1e-9 ? weight : whole) + 0;
}
