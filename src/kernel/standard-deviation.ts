import { variance } from './variance.js';

/**
 * Square root of {@link variance}; same `ddof`, same behaviour on short, constant and non-finite input.
 *
 * @example standardDeviation([1, 2, 3, 4], 0) // √1.25
 */
export function standardDeviation(values: ArrayLike<number>, ddof = 1): number {
  return Math.sqrt(variance(values, ddof));
}
