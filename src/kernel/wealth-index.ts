import { requireFinite } from './require-finite.js';

/**
 * Value over time of 1 invested: W[0] = 1, W[t+1] = W[t]·(1 + r[t]).
 *
 * @returns one value more than returns
 * @throws RangeError on NaN, an infinity, or a return of −1 or less
 */
export function wealthIndex(returns: ArrayLike<number>): Float64Array {
  requireFinite(returns, 'returns', 0);
  const out = new Float64Array(returns.length + 1);
  out[0] = 1;
  for (let i = 0; i < returns.length; i++) {
    if (returns[i]! <= -1) throw new RangeError(`returns: value ${i} is ${returns[i]}, a loss of everything`);
    out[i + 1] = out[i]! * (1 + returns[i]!);
  }
  return out;
}
