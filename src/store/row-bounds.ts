import { type Retention, retentionDays, type TimeTable } from './retention.js';
import type { RejectedRow } from './writer/row-target.js';

const dayMs = 86_400_000;
/** Points may be forecasts; a timestamp in the wrong unit is further away than this. */
const horizonMs = 366 * dayMs;

/** What is wrong with a row, in words. */
export type RowFault = Omit<RejectedRow, 'index'>;

/**
 * What a table takes: moments that the retention would not drop at once and that lie before the horizon, and what
 * `faultOf` has nothing against.
 */
export class RowBounds<Row extends { readonly tsMs: number } = { readonly tsMs: number }> {
  constructor(
    private readonly table: TimeTable,
    private readonly retention: Retention,
    private readonly now: () => number = Date.now,
    private readonly faultOf: (row: Row) => RowFault | null = () => null,
    /** How far ahead of our clock a moment may lie, ms. */
    private readonly aheadMs = horizonMs,
  ) {}

  /** First and last acceptable moment, Unix ms. */
  get span(): { readonly minMs: number; readonly maxMs: number } {
    const days = retentionDays(this.table, this.retention);
    const now = this.now();
    return { minMs: days === null ? 0 : now - days * dayMs, maxMs: now + this.aheadMs };
  }

  /** @returns the acceptable rows (the same array when all are) and what is wrong with the others */
  check<R extends Row>(
    rows: readonly R[],
  ): { readonly rows: readonly R[]; readonly rejected: readonly RejectedRow[] } {
    const { minMs, maxMs } = this.span;
    const faultOf = (row: R): RowFault | null => {
      if (row.tsMs >= minMs && row.tsMs <= maxMs) return this.faultOf(row);
      return row.tsMs < minMs ? tooOld(minMs) : tooFarAhead(maxMs);
    };
    if (rows.every((row) => faultOf(row) === null)) return { rows, rejected: [] };
    const good: R[] = [];
    const rejected: RejectedRow[] = [];
    rows.forEach((row, index) => {
      const fault = faultOf(row);
      if (fault === null) good.push(row);
      else rejected.push({ index, ...fault });
    });
    return { rows: good, rejected };
  }
}

const tooOld = (minMs: number): RowFault => ({
  code: 'TIMESTAMP_TOO_OLD',
  message: `The timestamp lies before ${new Date(minMs).toISOString()}, which is as long as these rows are kept.`,
});

const tooFarAhead = (maxMs: number): RowFault => ({
  code: 'TIMESTAMP_TOO_FAR_AHEAD',
  message: `The timestamp lies after ${new Date(maxMs).toISOString()}; is it in milliseconds, and is the clock right?`,
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
