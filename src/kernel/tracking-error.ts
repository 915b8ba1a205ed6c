import { requireAligned } from './require-aligned.js';
import { standardDeviation } from './standard-deviation.js';

/**
 * Annualised tracking error: sample deviation of r − b times √periods (PerformanceAnalytics `TrackingError`).
 *
 * @returns a fraction per √year; 0 for a portfolio that equals its benchmark
 * @throws RangeError on unequal lengths, fewer than 2 periods, NaN or an infinity
 */
export function trackingError(
  returns: ArrayLike<number>,
  benchmark: ArrayLike<number>,
  periodsPerYear = 252,
): number {
  requireAligned([returns, benchmark], 2);
  const active = Float64Array.from(returns, (r, i) => r - benchmark[i]!);
  return standardDeviation(active) * Math.sqrt(periodsPerYear);
}
