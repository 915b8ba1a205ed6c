import { requireFinite } from './require-finite.js';

/**
 * Geometric annual return Π(1 + r)^(periods/n) − 1 (PerformanceAnalytics `Return.annualized`).
 *
 * @param returns simple, per period, > −1
 * @returns a fraction per year; of a single return (1 + r)^periods − 1; `Infinity` where that is beyond the range of a double
 * @throws RangeError on an empty series, NaN, or a loss of everything
 */
export function annualisedReturn(returns: ArrayLike<number>, periodsPerYear = 252): number {
  requireFinite(returns, 'returns');
  let log = 0;
  for (let i = 0; i < returns.length; i++) {
    if (returns[i]! <= -1) throw new RangeError(`returns: value ${i} is ${returns[i]}, a loss of everything`);
    log += Math.log1p(returns[i]!);
  }
  return Math.expm1((log * periodsPerYear) / returns.length);
}
