import { createHash } from 'node:crypto';
import type { Portfolio } from '../domain/portfolio.js';
import type { StoredTick } from '../domain/tick.js';
import { AnalyticsEngine } from './analytics-engine.js';
import { summaryOf } from './summary.js';

export interface ReplayResult {
  readonly ticks: number;
  /** SHA-256 over the summaries of every portfolio after each `every` ticks, as JSON. */
  readonly digest: string;
  readonly engine: AnalyticsEngine;
}

/**
 * Feeds recorded ticks through a new engine and digests everything that it would have answered on the way. The same
 * recording gives the same digest, bit for bit: what a change of the formulas shows up in, and what tells two
 * installations apart.
 */
export function replayDigest(
  ticks: Iterable<StoredTick>,
  portfolios: readonly Portfolio[],
  every = 100,
): ReplayResult {
  const engine = new AnalyticsEngine();
  for (const portfolio of portfolios) engine.applyChange({ kind: 'put', portfolio });
  const hash = createHash('sha256');
  let count = 0;
  const answer = (): void => {
    for (const state of engine.allStates())
      hash.update(JSON.stringify(summaryOf(engine, state, {}, state.asOfMs)));
  };
  for (const tick of ticks) {
    engine.applyTick(tick);
    if (++count % every === 0) answer();
  }
  answer();
  return { ticks: count, digest: hash.digest('hex'), engine };
}
