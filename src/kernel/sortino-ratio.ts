import { mean } from './mean.js';
import { requireFinite } from './require-finite.js';

/**
 * Downside deviation √(Σ min(r − target, 0)² / n): over all returns, not only those below (PerformanceAnalytics
 * `DownsideDeviation(method = "full")`).
 *
 * @returns in the unit of the returns, ≥ 0
 * @throws RangeError on an empty series, NaN or an infinity
 */
export function downsideDeviation(returns: ArrayLike<number>, target = 0): number {
  requireFinite(returns, 'returns');
  let sum = 0;
  for (let i = 0; i < returns.length; i++) sum += Math.min(returns[i]! - target, 0) ** 2;
  return Math.sqrt(sum / returns.length);
}

/**
 * Annualised Sortino ratio, (mean(r) − target) / downside deviation · √periods (Sortino and Price 1994;
 * PerformanceAnalytics `SortinoRatio`, times √periods).
 *
 * @param returns per period
 * @param target minimum acceptable return per period
 * @returns dimensionless; `null` where no return lies below the target
 * @throws RangeError on an empty series, NaN or an infinity
 */
export function sortinoRatio(returns: ArrayLike<number>, target = 0, periodsPerYear = 252): number | null {
  const downside = downsideDeviation(returns, target);
  return downside === 0 ? null : ((mean(returns) - target) / downside) * Math.sqrt(periodsPerYear);
}
