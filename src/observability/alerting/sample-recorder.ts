import type { StoredSample } from './alert-store.js';
import type { Observed } from './rule-evaluator.js';

/** A value that does not change is written again this often, so that a backtest can tell it from missing data. */
export const repeatEveryMs = 5 * 60_000;

/**
 * Decides which observations are worth storing for backtests: every change, and a repetition now and then. Most
 * thresholds watch something that stays at zero for days.
 */
export class SampleRecorder {
  private readonly last = new Map<string, StoredSample>();

  constructor(private readonly instance: string) {}

  pick(observed: readonly Observed[], nowMs: number): readonly StoredSample[] {
    const out: StoredSample[] = [];
    for (const { thresholdId, labels, value, idle } of observed) {
      const key = JSON.stringify([thresholdId, labels]);
      const before = this.last.get(key);
      const same = before !== undefined && before.value === value && before.idle === idle;
      if (same && nowMs - before.atMs < repeatEveryMs) continue;
      const sample = { threshold: thresholdId, instance: this.instance, labels, atMs: nowMs, value, idle };
      this.last.set(key, sample);
      out.push(sample);
    }
    return out;
  }
}
