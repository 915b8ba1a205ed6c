import { centralMoments } from './central-moments.js';

/**
 * Variance Σ(x − mean)² / (n − ddof). `ddof` 1 is the unbiased sample variance, 0 the population's.
 *
 * @returns in the squared unit of the values; exactly 0 for a constant series
 * @throws RangeError when there are not more than `ddof` values, or one is not finite
 * @example variance([1, 2, 3, 4]) // 5/3
 */
export function variance(values: ArrayLike<number>, ddof = 1): number {
  const n = values.length;
  if (n <= ddof) throw new RangeError(`variance: needs more than ${ddof} values, has ${n}`);
  return (centralMoments(values).second * n) / (n - ddof);
}
