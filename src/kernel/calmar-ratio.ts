import { annualisedReturn } from './annualised-return.js';
import { maxDrawdown } from './max-drawdown.js';
import { wealthIndex } from './wealth-index.js';

/**
 * Calmar ratio: geometric annual return over the maximum drawdown of the whole series (Young 1991;
 * PerformanceAnalytics `CalmarRatio`).
 *
 * @param returns simple, per period
 * @returns dimensionless; `null` where there was no drawdown
 * @throws RangeError on an empty series, NaN, or a loss of everything
 */
export function calmarRatio(returns: ArrayLike<number>, periodsPerYear = 252): number | null {
  const annual = annualisedReturn(returns, periodsPerYear);
  const { depth } = maxDrawdown(wealthIndex(returns));
  return depth === 0 ? null : annual / depth;
}
