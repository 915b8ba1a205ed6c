import type { Observed } from './rule-evaluator.js';
import { SampleRing } from './sample-ring.js';

/** Fifteen minutes of rounds of five seconds. */
const kept = 180;
const maxSeries = 500;

/** The last values of every threshold, in its unit: the first thing to look at when one of them fires. */
export class RecentValues {
  private readonly rings = new Map<string, SampleRing>();

  add(observed: readonly Observed[], nowMs: number): void {
    for (const { thresholdId, labels, value } of observed) {
      const key = keyOf(thresholdId, labels);
      let ring = this.rings.get(key);
      if (!ring) {
        if (this.rings.size >= maxSeries) continue;
        ring = new SampleRing(kept, 0);
        this.rings.set(key, ring);
      }
      ring.offer(nowMs, value ?? Number.NaN);
    }
  }

  /** Oldest first; `null` where the value was unknown. */
  of(thresholdId: string, labels: Readonly<Record<string, string>>) {
    const ring = this.rings.get(keyOf(thresholdId, labels));
    const out: { at: string; value: number | null }[] = [];
    for (let i = 0; ring && i < ring.length; i++) {
      const value = ring.value(i);
      out.push({ at: new Date(ring.time(i)).toISOString(), value: Number.isNaN(value) ? null : value });
    }
    return out;
  }
}

const keyOf = (thresholdId: string, labels: Readonly<Record<string, string>>): string =>
  JSON.stringify([thresholdId, labels]);
