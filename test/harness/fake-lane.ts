import { setTimeout as sleep } from 'node:timers/promises';
import type { IngestLane } from '../../src/ingest/ingest-lane.js';
import { IngestMeter } from '../../src/ingest/ingest-meter.js';
import type { UploadPart } from '../../src/ingest/upload-key.js';
import { Metrics } from '../../src/observability/metrics.js';
import type { AppendResult } from '../../src/store/writer/row-target.js';
import type { AppendOptions } from '../../src/store/writer/row-writer.js';

interface FakeLaneOptions<Row> {
  readonly commitMs?: number;
  /** Rows that the database refuses. */
  readonly refuses?: (row: Row) => boolean;
  /** What an append throws, by its number. */
  readonly failure?: (append: number) => Error | undefined;
}

/** The way into a store that lives in memory. */
export class FakeLane<Row> implements IngestLane<Row> {
  readonly kind = 'ticks';
  readonly metrics = new Metrics();
  readonly meter = new IngestMeter(this.metrics, 'ticks');
  readonly rows: Row[] = [];
  readonly batches: { rows: number; options: AppendOptions }[] = [];
  private readonly committed: string[] = [];
  appending = 0;
  mostAppending = 0;

  constructor(private readonly options: FakeLaneOptions<Row> = {}) {}

  async append(rows: readonly Row[], options: AppendOptions): Promise<AppendResult> {
    const { refuses = () => false, failure, commitMs } = this.options;
    const number = this.batches.push({ rows: rows.length, options });
    this.appending += rows.length;
    this.mostAppending = Math.max(this.mostAppending, this.appending);
    if (commitMs !== undefined) await sleep(commitMs);
    this.appending -= rows.length;
    const error = failure?.(number);
    if (error) throw error;
    const rejected = rows.flatMap((row, index) =>
      refuses(row) ? [{ index, code: 'DATABASE_REFUSED', message: 'refused' }] : [],
    );
    const kept = rows.filter((row) => !refuses(row));
    this.rows.push(...kept);
    if (options.alongside !== undefined) this.committed.push(options.alongside);
    return { stored: kept.length, duplicates: 0, rejected };
  }

  /** Parts whose statements, JSON with the digest in hex, were committed with rows. */
  parts(): UploadPart[] {
    return this.committed.map((statement) => {
      const part = JSON.parse(statement) as Omit<UploadPart, 'digest'> & { digest: string };
      return { ...part, digest: Buffer.from(part.digest, 'hex') };
    });
  }
}
