import type { Closes } from './close-history.js';

/** What the answer states about gaps. */
export const gapRule =
  'only days on which every symbol has a close are used; a return over missing days spans from the last common day to the next';

/** Closes of several symbols on their common days. */
export interface AlignedCloses {
  readonly symbols: readonly string[];
  /** Days since 1970-01-01 on which every symbol has a close, increasing. */
  readonly days: Int32Array;
  /** One array per symbol, as long as `days`. */
  readonly closes: readonly Float64Array[];
  /** Days within the span that some symbol lacks: at least this many. */
  readonly droppedDays: number;
  /** Longest distance between two used days, in days. */
  readonly longestGapDays: number;
}

export const isoDay = (day: number): string => new Date(day * 86_400_000).toISOString().slice(0, 10);

/**
 * Intersects the calendars of all symbols and keeps the newest `maxDays` common days.
 *
 * @param series one per symbol, in the order of `symbols`
 */
export function alignCloses(
  symbols: readonly string[],
  series: readonly Closes[],
  maxDays: number,
): AlignedCloses {
  const count = series.length;
  /** Position in each series, moving backwards from its newest day. */
  const at = Int32Array.from(series, (s) => s.days.length - 1);
  // Filled from the end: the newest common day comes first.
  const days = new Int32Array(maxDays);
  const closes = series.map(() => new Float64Array(maxDays));
  let filled = 0;
  let dropped = 0;
  let droppedSinceMatch = 0;
  while (count > 0 && filled < maxDays) {
    const target = oldestCandidate(series, at);
    if (target === null) break;
    let agree = true;
    let skipped = 0;
    for (let k = 0; k < count; k++) {
      const all = series[k]!.days;
      let i = at[k]!;
      let passed = 0;
      while (i >= 0 && all[i]! > target) {
        i--;
        passed++;
      }
      at[k] = i;
      skipped = Math.max(skipped, passed);
      if (i < 0 || all[i] !== target) agree = false;
    }
    droppedSinceMatch += skipped;
    if (!agree) continue;
    filled++;
    days[maxDays - filled] = target;
    for (let k = 0; k < count; k++) {
      closes[k]![maxDays - filled] = series[k]!.closes[at[k]!]!;
      at[k] = at[k]! - 1;
    }
    // Days left out before the first common day, counted from the newest, are outside of the span.
    if (filled > 1) dropped += droppedSinceMatch;
    droppedSinceMatch = 0;
  }
  const used = days.slice(maxDays - filled);
  let longest = 0;
  for (let i = 1; i < used.length; i++) longest = Math.max(longest, used[i]! - used[i - 1]!);
  return {
    symbols,
    days: used,
    closes: closes.map((c) => c.slice(maxDays - filled)),
    droppedDays: dropped,
    longestGapDays: longest,
  };
}

/**
 * The oldest of the days that the series stand at: no series may stay at a newer one. `null` when one has ended.
 */
function oldestCandidate(series: readonly Closes[], at: Int32Array): number | null {
  let oldest = Number.POSITIVE_INFINITY;
  for (let k = 0; k < series.length; k++) {
    const i = at[k]!;
    if (i < 0) return null;
    oldest = Math.min(oldest, series[k]!.days[i]!);
  }
  return oldest;
}
