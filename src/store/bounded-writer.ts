import type { MeteredPool } from './metered-pool.js';
import type { PartitionService } from './partitions/partition.service.js';
import { type RowBounds, withOriginalIndices } from './row-bounds.js';
import type { SeqSource } from './seq-source.js';
import type { AppendResult } from './writer/row-target.js';
import type { AppendOptions, RowWriter, RowWriterLimits } from './writer/row-writer.js';
import type { WriterMeter } from './writer/writer-meter.js';

/** A row with the moment that decides where it is kept. */
interface Timed {
  readonly tsMs: number;
}

export interface BoundedWriterDeps<Row extends Timed> {
  readonly pool: MeteredPool;
  readonly seq: SeqSource;
  readonly meter: WriterMeter;
  readonly bounds: RowBounds<Row>;
  /** `null` on TimescaleDB, which makes its chunks itself. */
  readonly partitions: PartitionService | null;
  readonly limits?: Partial<RowWriterLimits>;
  readonly onDefect: (error: unknown) => void;
}

/** Group commit of rows whose time a table can hold; others are refused one by one. */
export abstract class BoundedWriter<Row extends Timed> {
  protected abstract readonly writer: RowWriter<Row>;
  protected abstract readonly bounds: RowBounds<Row>;

  /**
   * Makes rows durable; one call is one transaction, up to 50,000 rows.
   * @param rows validated; stored in this order
   * @returns after the commit: how many were stored, how many were known already, which were refused
   * @throws Problem 503 `BUFFER_FULL`, `DATABASE_UNAVAILABLE` or `STOPPING`; the call can be repeated
   */
  async append(rows: readonly Row[], opts?: AppendOptions): Promise<AppendResult> {
    const { rows: inBounds, rejected } = this.bounds.check(rows);
    const result = await this.writer.append(inBounds, opts);
    if (rejected.length === 0) return result;
    return { ...result, rejected: withOriginalIndices(rejected, result.rejected) };
  }
}
