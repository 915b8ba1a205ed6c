import type { PortfolioState } from './portfolio-state.js';

/**
 * What changes of positions did to the window. Its figures are of values as they were: a purchase raises them as a rising price
 * does. Which figures have values from both sides of a change is said here, so that nobody takes a trade for a gain or a loss.
 */
export interface PositionChanges {
  /** Changes between the oldest and the newest value of the window; the newest 1,000 are remembered. */
  readonly in_window: number;
  /** Values since the newest of them; `null` without any. */
  readonly values_since_last: number | null;
  /** What they added to the value, at the prices of their moments; `null` when the portfolio had no value before or after one. */
  readonly value_added: number | null;
  /** Figures that compare values from before a change with values from after it, by field. */
  readonly mixed_figures: readonly string[];
}

const none: PositionChanges = { in_window: 0, values_since_last: null, value_added: 0, mixed_figures: [] };

/** Figures of all values of the window. */
const ofAll = ['mean', 'std', 'std_sample', 'min', 'max', 'trend', 'ewma', 'drawdown', 'quantiles'];
/** Figures of the newest values, and how many of the newest have to be from after a change for them to be free of it. */
const ofNewest = [
  ['volatility', 20],
  ['momentum.momentum_1', 2],
  ['momentum.momentum_5', 6],
  ['momentum.momentum_10', 11],
] as const;

export function positionChangesOf(state: PortfolioState): PositionChanges {
  const flows = state.flowsInWindow();
  if (flows.length === 0) return none;
  const { pushed } = state.window;
  let added = 0;
  // Of those that a value has followed: a change that none has followed is in no figure but the current value.
  let sinceLast = Number.POSITIVE_INFINITY;
  for (const flow of flows) {
    added += flow.added;
    if (flow.atPoint < pushed) sinceLast = Math.min(sinceLast, pushed - flow.atPoint);
  }
  return {
    in_window: flows.length,
    values_since_last: pushed - flows.at(-1)!.atPoint,
    value_added: Number.isFinite(added) ? added : null,
    mixed_figures: Number.isFinite(sinceLast)
      ? [...ofAll, ...ofNewest.filter(([, free]) => sinceLast < free).map(([figure]) => figure)]
      : [],
  };
}
