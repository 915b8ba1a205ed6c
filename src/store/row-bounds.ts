import { type Retention, retentionDays, type TimeTable } from './retention.js';
import type { RejectedRow } from './writer/row-target.js';

const dayMs = 86_400_000;
/** Clocks differ and tests live in the future; a timestamp in the wrong unit is further away than this. */
const horizonDays = 366;

/** The moments that a table takes: what the retention would drop at once, or lies beyond the horizon, is refused. */
export class RowBounds {
  constructor(
    private readonly table: TimeTable,
    private readonly retention: Retention,
    private readonly now: () => number = Date.now,
  ) {}

  /** First and last acceptable moment, Unix ms. */
  get span(): { readonly minMs: number; readonly maxMs: number } {
    const days = retentionDays(this.table, this.retention);
    const now = this.now();
    return { minMs: days === null ? 0 : now - days * dayMs, maxMs: now + horizonDays * dayMs };
  }

  /** @returns the acceptable rows (the same array when all are) and what is wrong with the others */
  check<Row extends { readonly tsMs: number }>(
    rows: readonly Row[],
  ): { readonly rows: readonly Row[]; readonly rejected: readonly RejectedRow[] } {
    const { minMs, maxMs } = this.span;
    let bad = 0;
    for (const row of rows) if (!(row.tsMs >= minMs && row.tsMs <= maxMs)) bad++;
    if (bad === 0) return { rows, rejected: [] };
    const good: Row[] = [];
    const rejected: RejectedRow[] = [];
    rows.forEach((row, index) => {
      if (row.tsMs >= minMs && row.tsMs <= maxMs) good.push(row);
      else rejected.push(row.tsMs < minMs ? tooOld(index, minMs) : tooFarAhead(index, maxMs));
    });
    return { rows: good, rejected };
  }
}

const tooOld = (index: number, minMs: number): RejectedRow => ({
  index,
  code: 'TIMESTAMP_TOO_OLD',
  message: `The timestamp lies before ${new Date(minMs).toISOString()}, which is as long as these rows are kept.`,
});

const tooFarAhead = (index: number, maxMs: number): RejectedRow => ({
  index,
  code: 'TIMESTAMP_TOO_FAR_AHEAD',
  message: `The timestamp lies after ${new Date(maxMs).toISOString()}; is it in milliseconds?`,
});

/**
 * Puts the result of writing a part of the rows back to the positions that the caller knows.
 * @param rejectedBefore rows that were not written, ascending by index
 */
export function withOriginalIndices(
  rejectedBefore: readonly RejectedRow[],
  rejectedLater: readonly RejectedRow[],
): RejectedRow[] {
  if (rejectedLater.length === 0) return [...rejectedBefore];
  const taken = new Set(rejectedBefore.map((r) => r.index));
  const shifted = rejectedLater.map((row) => {
    let index = -1;
    for (let left = row.index + 1; left > 0; ) if (!taken.has(++index)) left--;
    return { ...row, index };
  });
  return [...rejectedBefore, ...shifted].sort((a, b) => a.index - b.index);
}
