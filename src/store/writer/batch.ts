import type { Entry } from './append-queue.js';
import type { BatchOutcome } from './batch-sender.js';
import type { CommitTicket } from './commit-order.js';
import type { AppendResult, CommittedBatch, RejectedRow, RowBatch } from './row-target.js';

/** Appends of several callers that are committed together. */
export interface Batch<Row> extends RowBatch<Row> {
  readonly id: string;
  /** Estimated, of its entries. */
  readonly bytes: number;
  readonly entries: readonly Entry<Row>[];
  readonly ticket: CommitTicket | null;
  /** Monotonic ms. */
  readonly closedAt: number;
}

/** The news of a batch: what of it is stored now. */
export function committedRows<Row>(
  batch: Batch<Row>,
  dropped: ReadonlySet<number>,
  storedAtMs: number,
): CommittedBatch<Row> {
  const rows: Row[] = [];
  const seqs: number[] = [];
  batch.rows.forEach((row, position) => {
    if (dropped.has(position)) return;
    rows.push(row);
    if (batch.ticket) seqs.push(batch.firstSeq + position);
  });
  const ingestedAtMs = Math.min(...batch.entries.map((e) => e.ingestedAtMs));
  return { rows, seqs, ingestedAtMs, storedAtMs };
}

/** Answers each caller for the rows of its own. */
export function answerEntries<Row>(batch: Batch<Row>, outcome: BatchOutcome): void {
  let from = 0;
  for (const entry of batch.entries) {
    const to = from + entry.rows.length;
    entry.resolve(resultOf(outcome, from, to));
    from = to;
  }
}

/** What became of the rows at positions `from` to `to` − 1 of the batch. */
function resultOf({ duplicates, refused }: BatchOutcome, from: number, to: number): AppendResult {
  if (duplicates.length === 0 && refused.length === 0) {
    return { stored: to - from, duplicates: 0, rejected: [] };
  }
  const known = duplicates.filter((position) => position >= from && position < to).length;
  const rejected: RejectedRow[] = refused
    .filter(({ position }) => position >= from && position < to)
    .map(({ position, sqlstate, message }) => ({
      index: position - from,
      code: 'DATABASE_REFUSED',
      message: `${sqlstate}: ${message}`,
    }))
    .sort((a, b) => a.index - b.index);
  return { stored: to - from - known - rejected.length, duplicates: known, rejected };
}
