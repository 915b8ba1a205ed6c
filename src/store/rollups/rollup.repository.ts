import type { RollupTruth } from './truth-check.js';

/** How far the stored roll-ups are. */
export interface RollupStatus {
  /** Everything older is rolled up (or is in `dirtyMinutes`), Unix ms; `null` before the first run. */
  readonly rolledUpToMs: number | null;
  /** Minutes of portfolios that late rows have touched and that wait to be rolled up again; `null` where not counted. */
  readonly dirtyMinutes: number | null;
}

/**
 * Keeps the roll-ups of `analytics_metrics`. Answers never wait for it: what is not rolled up yet is read from the raw
 * rows.
 */
export abstract class RollupRepository {
  /** Rolls up what has come since the last run, and again what late rows have touched. */
  abstract refresh(): Promise<void>;
  abstract status(): Promise<RollupStatus>;
  /** Recomputes sampled buckets from the raw rows and compares. @param samples how many buckets */
  abstract checkTruth(samples?: number): Promise<RollupTruth>;
}
