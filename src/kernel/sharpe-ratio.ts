import { mean } from './mean.js';
import { standardDeviation } from './standard-deviation.js';

/**
 * Annualised Sharpe ratio, mean(r − f) / sd(r − f) · √periods with the sample deviation (Sharpe 1994;
 * PerformanceAnalytics `SharpeRatio`, times √periods).
 *
 * @param returns per period
 * @param riskFree per period, one rate for all or one per return
 * @param periodsPerYear of the series' own sampling: 252 for daily bars, 12 for months
 * @returns dimensionless; `null` where the deviation is 0, the ratio being undefined
 * @throws RangeError on fewer than 2 returns, NaN or an infinity
 */
export function sharpeRatio(
  returns: ArrayLike<number>,
  riskFree: number | ArrayLike<number> = 0,
  periodsPerYear = 252,
): number | null {
  const excess = excessReturns(returns, riskFree);
  const deviation = standardDeviation(excess);
  return deviation === 0 ? null : (mean(excess) / deviation) * Math.sqrt(periodsPerYear);
}

/**
 * r − f per period.
 *
 * @throws RangeError when a series of rates has another length than the returns
 */
export function excessReturns(
  returns: ArrayLike<number>,
  riskFree: number | ArrayLike<number>,
): Float64Array {
  if (typeof riskFree !== 'number' && riskFree.length !== returns.length) {
    throw new RangeError(`${returns.length} returns, ${riskFree.length} rates`);
  }
  return Float64Array.from(returns, (r, i) => r - (typeof riskFree === 'number' ? riskFree : riskFree[i]!));
}
