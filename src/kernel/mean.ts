import { requireFinite } from './require-finite.js';

/**
 * Arithmetic mean, summed as deviations from the first value: a constant series gives back exactly that constant.
 *
 * @returns the mean in the unit of the values; a single value is its own mean
 * @throws RangeError on an empty series, NaN or an infinity
 * @example mean([1, 2, 6]) // 3
 */
export function mean(values: ArrayLike<number>): number {
  requireFinite(values, 'mean');
  const first = values[0]!;
  let sum = 0;
  for (let i = 1; i < values.length; i++) sum += values[i]! - first;
  return first + sum / values.length;
}
