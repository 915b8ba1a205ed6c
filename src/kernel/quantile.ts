import { type QuantileType, quantilePosition } from './quantile-position.js';
import { requireFinite } from './require-finite.js';
import { selectSmallest } from './select-smallest.js';

/**
 * Sample quantile by selection; see {@link quantilePosition} for the nine types. The input is not changed.
 *
 * @param p probability in [0, 1]; for α = 1 − confidence use `tailProbability`
 * @returns in the unit of the values; a single value is every quantile of itself
 * @throws RangeError on an empty series, NaN, an infinity or p outside [0, 1]
 * @example quantile([1, 2, 3, 4], 0.5) // 2.5
 */
export function quantile(values: ArrayLike<number>, p: number, type: QuantileType = 7): number {
  requireFinite(values, 'quantile');
  const { lower, upper, weight } = quantilePosition(values.length, p, type);
  const work = Float64Array.from(values);
  const low = selectSmallest(work, lower);
  if (weight === 0 || upper === lower) return low;
  const high = selectSmallest(work, upper, lower + 1);
  return weight === 1 ? high : low + weight * (high - low);
}
