import { tailInPlace } from '../../kernel/empirical-tail.js';

export interface RollingBacktestTask {
  readonly kind: 'rolling_backtest';
  /** P&L of today's holdings on each past day, oldest first. */
  readonly pnl: Float64Array;
  /** Days whose losses make one forecast. */
  readonly window: number;
  readonly confidence: number;
}

export interface RollingBacktest {
  /**
   * One entry per forecast day, oldest first: 1 where the loss exceeded the VaR forecast from the days before it.
   */
  readonly hits: Uint8Array;
  readonly forecasts: Float64Array;
}

/** Historical VaR of each day from the `window` days before it, held against that day. */
export function runRollingBacktest({ pnl, window, confidence }: RollingBacktestTask): RollingBacktest {
  const days = Math.max(0, pnl.length - window);
  const hits = new Uint8Array(days);
  const forecasts = new Float64Array(days);
  const work = new Float64Array(window);
  for (let d = 0; d < days; d++) {
    work.set(pnl.subarray(d, d + window));
    forecasts[d] = tailInPlace(work, confidence).var;
    hits[d] = -pnl[d + window]! > forecasts[d]! ? 1 : 0;
  }
  return { hits, forecasts };
}
