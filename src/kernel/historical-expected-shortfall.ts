import { type EmpiricalTailOptions, empiricalTail } from './empirical-tail.js';

/**
 * Historical expected shortfall: the mean loss in the scenarios at least as bad as VaR, or by Acerbi and Tasche's
 * weighted tail; see `EmpiricalTailOptions`. Same sign, unit and errors as `historicalVar`, and never below it with
 * the default estimator.
 *
 * @example historicalExpectedShortfall([-3, -1, 0, 1, 2], 0.75) // 2
 */
export function historicalExpectedShortfall(
  pnl: ArrayLike<number>,
  confidence: number,
  options: EmpiricalTailOptions = {},
): number {
  return empiricalTail(pnl, confidence, options).expectedShortfall;
}
