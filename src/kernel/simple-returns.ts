import { requireFinite } from './require-finite.js';

/**
 * Simple returns r[t] = p[t+1] / p[t] − 1. They add up across positions (not across time), so a portfolio's return
 * is the weighted sum of them: what every VaR here is built on.
 *
 * @param prices > 0, oldest first
 * @returns one value fewer than prices; empty for a single price
 * @throws RangeError on an empty series or a price that is not finite and positive
 * @example simpleReturns([100, 110, 99]) // [0.1, −0.1]
 */
export function simpleReturns(prices: ArrayLike<number>): Float64Array {
  requireFinite(prices, 'prices');
  const out = new Float64Array(prices.length - 1);
  if (prices[0]! <= 0) throw new RangeError(`prices: value 0 is ${prices[0]}, not positive`);
  for (let i = 1; i < prices.length; i++) {
    if (prices[i]! <= 0) throw new RangeError(`prices: value ${i} is ${prices[i]}, not positive`);
    // (p₁ − p₀)/p₀ keeps the digits that p₁/p₀ − 1 cancels for small moves, and is exactly 0 for none.
    out[i - 1] = (prices[i]! - prices[i - 1]!) / prices[i - 1]!;
  }
  return out;
}
