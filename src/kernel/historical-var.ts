import { empiricalTail } from './empirical-tail.js';
import type { QuantileType } from './quantile-position.js';

/**
 * Historical value at risk: the loss that a fraction 1 − confidence of the past scenarios exceeded,
 * VaR = −quantile(pnl, 1 − confidence).
 *
 * @param pnl profit and loss per scenario: money, or returns for VaR as a fraction
 * @param confidence in (0, 1), e.g. 0.99
 * @param quantileType Hyndman and Fan 1–9; 7 as in R and numpy
 * @returns in the unit of `pnl`, a loss positive (negative where even the tail is a gain); a single scenario is its
 *   own tail
 * @throws RangeError on no scenarios, NaN, an infinity, or confidence outside (0, 1)
 * @example historicalVar([-3, -1, 0, 1, 2], 0.75) // 1
 */
export function historicalVar(
  pnl: ArrayLike<number>,
  confidence: number,
  quantileType: QuantileType = 7,
): number {
  return empiricalTail(pnl, confidence, { quantileType }).var;
}
