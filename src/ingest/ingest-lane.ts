import type { AppendResult } from '../store/writer/row-target.js';
import type { AppendOptions } from '../store/writer/row-writer.js';
import type { IngestMeter } from './ingest-meter.js';

/** The way of one kind of row into the store. */
export interface IngestLane<Row> {
  readonly kind: 'ticks' | 'metrics';
  readonly meter: IngestMeter;
  /** Resolves when the rows are durable. @throws Problem 503 when they are not */
  append(rows: readonly Row[], options: AppendOptions): Promise<AppendResult>;
  /** Told of rows after their commit. */
  stored?(rows: readonly Row[]): void;
}
