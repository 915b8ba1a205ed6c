import { centralMoments } from './central-moments.js';

/**
 * Population excess kurtosis m₄ / m₂² − 3: 0 for the normal distribution (scipy `kurtosis(bias=True)`).
 *
 * @returns dimensionless; 0 for a constant series
 * @throws RangeError on an empty or non-finite series
 */
export function excessKurtosis(values: ArrayLike<number>): number {
  const { second, fourth } = centralMoments(values);
  return second === 0 ? 0 : fourth / (second * second) - 3;
}
