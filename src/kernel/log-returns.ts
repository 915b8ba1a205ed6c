import { simpleReturns } from './simple-returns.js';

/**
 * Logarithmic returns ln(p[t+1] / p[t]): they add up across time (not across positions).
 *
 * @param prices > 0, oldest first
 * @returns one value fewer than prices; empty for a single price
 * @throws RangeError on an empty series or a price that is not finite and positive
 * @example logReturns([1, Math.E]) // [1]
 */
export function logReturns(prices: ArrayLike<number>): Float64Array {
  return simpleReturns(prices).map(Math.log1p);
}
