import type { TraceOrigin } from '../../observability/tracing/tracing.js';
import type { AppendResult } from './row-target.js';

/** One call of `append`: its rows are never split over two transactions. */
export interface Entry<Row> {
  readonly rows: readonly Row[];
  readonly bytes: number;
  readonly ingestedAtMs: number;
  /** A statement that commits together with the rows. */
  readonly alongside: string | null;
  /** The sampled trace that the call came in. */
  readonly trace: TraceOrigin | null;
  /** Monotonic ms. */
  readonly enqueuedAt: number;
  readonly resolve: (result: AppendResult) => void;
  readonly reject: (error: unknown) => void;
}

/** First in, first out, with the totals that the bounds and the flush decision need. */
export class AppendQueue<Row> {
  private entries: (Entry<Row> | undefined)[] = [];
  private head = 0;
  rows = 0;
  bytes = 0;

  get isEmpty(): boolean {
    return this.head === this.entries.length;
  }

  get oldest(): Entry<Row> | undefined {
    return this.entries[this.head];
  }

  push(entry: Entry<Row>): void {
    this.entries.push(entry);
    this.rows += entry.rows.length;
    this.bytes += entry.bytes;
  }

  shift(): Entry<Row> | undefined {
    const entry = this.entries[this.head];
    if (entry === undefined) return undefined;
    // The slot waits for its compaction; the rows must not.
    this.entries[this.head++] = undefined;
    this.rows -= entry.rows.length;
    this.bytes -= entry.bytes;
    // Compacted rarely, so that a shift stays O(1) on a long queue.
    if (this.head > 1_024 && this.head * 2 > this.entries.length) {
      this.entries = this.entries.slice(this.head);
      this.head = 0;
    }
    return entry;
  }

  /** Whole entries up to the bounds; at least one. One that has a statement of its own is alone in its batch. */
  takeBatch(maxRows: number, maxBytes: number): Entry<Row>[] {
    const count = this.nextBatch(maxRows, maxBytes).entries;
    const batch: Entry<Row>[] = [];
    for (let i = 0; i < count; i++) batch.push(this.shift() as Entry<Row>);
    return batch;
  }

  /** Size of the batch that {@link takeBatch} would take now. */
  nextBatch(maxRows: number, maxBytes: number): { readonly entries: number; readonly rows: number } {
    let rows = 0;
    let bytes = 0;
    let entries = 0;
    for (let i = this.head; i < this.entries.length; i++) {
      const entry = this.entries[i] as Entry<Row>;
      const full = rows + entry.rows.length > maxRows || bytes + entry.bytes > maxBytes;
      if (entries > 0 && (full || entry.alongside !== null)) break;
      rows += entry.rows.length;
      bytes += entry.bytes;
      entries++;
      if (entry.alongside !== null) break;
    }
    return { entries, rows };
  }
}
