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
  /** Days within the span that some symbol lacks. */
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
  const at = series.map((s) => s.days.length - 1);
  const days: number[] = [];
  const rows: number[][] = [];
  const seen = new Set<number>();
  // From the newest day backwards: move every series to the oldest of the candidates until all agree.
  while (days.length < maxDays && series.length > 0 && at.every((i) => i >= 0)) {
    const candidates = series.map((s, k) => s.days[at[k]!]!);
    const target = Math.min(...candidates);
    if (candidates.every((d) => d === target)) {
      days.push(target);
      rows.push(series.map((s, k) => s.closes[at[k]!]!));
      for (let k = 0; k < at.length; k++) at[k] = at[k]! - 1;
      continue;
    }
    series.forEach((s, k) => {
      while (at[k]! >= 0 && s.days[at[k]!]! > target) {
        if (days.length > 0) seen.add(s.days[at[k]!]!);
        at[k] = at[k]! - 1;
      }
    });
  }
  days.reverse();
  rows.reverse();
  let longest = 0;
  for (let i = 1; i < days.length; i++) longest = Math.max(longest, days[i]! - days[i - 1]!);
  const first = days[0] ?? 0;
  return {
    symbols,
    days: Int32Array.from(days),
    closes: symbols.map((_, k) => Float64Array.from(rows, (row) => row[k]!)),
    droppedDays: [...seen].filter((d) => d > first).length,
    longestGapDays: longest,
  };
}
