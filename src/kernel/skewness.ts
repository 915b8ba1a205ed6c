import { centralMoments } from './central-moments.js';

/**
 * Population skewness m₃ / m₂^1.5 (PerformanceAnalytics `skewness(method = "moment")`, scipy `skew(bias=True)`).
 *
 * @returns dimensionless; 0 for a constant series, which is symmetric
 * @throws RangeError on an empty or non-finite series
 */
export function skewness(values: ArrayLike<number>): number {
  const { second, third } = centralMoments(values);
  return second === 0 ? 0 : third / second ** 1.5;
}
