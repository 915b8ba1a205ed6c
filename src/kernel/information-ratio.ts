import { annualisedReturn } from './annualised-return.js';
import { trackingError } from './tracking-error.js';

/**
 * Information ratio: difference of the geometric annual returns over the tracking error (PerformanceAnalytics
 * `InformationRatio`).
 *
 * @returns dimensionless; `null` where the tracking error is 0
 * @throws RangeError on unequal lengths, fewer than 2 periods, NaN, or a loss of everything
 */
export function informationRatio(
  returns: ArrayLike<number>,
  benchmark: ArrayLike<number>,
  periodsPerYear = 252,
): number | null {
  const error = trackingError(returns, benchmark, periodsPerYear);
  if (error === 0) return null;
  return (annualisedReturn(returns, periodsPerYear) - annualisedReturn(benchmark, periodsPerYear)) / error;
}
