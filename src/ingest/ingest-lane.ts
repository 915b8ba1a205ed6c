import type { IngestMeter } from './ingest-meter.js';

/** What became of the rows of one append, after its commit. */
export interface AppendOutcome {
  readonly stored: number;
  readonly duplicates: number;
  /** `index` is the position within the rows of the append. */
  readonly rejected: readonly { readonly index: number; readonly code: string; readonly message: string }[];
}

export interface AppendOptions {
  /** Unix ms at which the first byte of the rows was accepted. */
  readonly ingestedAtMs?: number;
  /** A statement that commits together with the rows. */
  readonly alongside?: string;
}

/** The way of one kind of row into the store. */
export interface IngestLane<Row> {
  readonly kind: 'ticks' | 'metrics';
  readonly meter: IngestMeter;
  /** Resolves when the rows are durable. @throws Problem 503 when they are not */
  append(rows: readonly Row[], options: AppendOptions): Promise<AppendOutcome>;
  /** Told of rows after their commit. */
  stored?(rows: readonly Row[]): void;
}
