import type { RowBatch } from './row-batch.js';
import type { RowFault } from './row-fault.js';

/** Longest single record (line, CSV record, array element), bytes. A longer one is refused by itself. */
export const maxRowBytes = 64 * 1024;

/**
 * An incremental parser: chunks in, rows and rejections out, never holding more than one record. How the body is cut
 * into chunks makes no difference to what comes out.
 */
export interface PushParser<Row> {
  /** Position of the next record: how many records have begun and ended so far. */
  readonly nextIndex: number;
  /** @throws Problem when the body as a whole cannot be what it claims to be */
  push(chunk: Buffer, out: RowBatch<Row>): void;
  /** The body has ended. @throws Problem as {@link push} */
  end(out: RowBatch<Row>): void;
}

/** Columns of a CSV header bound to the fields of a row. */
export interface CsvBinding<Row> {
  /** Header names that mean nothing here; their cells are skipped. */
  readonly ignored: readonly string[];
  /**
   * Fast path: reads one unquoted record that begins at `at`.
   * @returns the offset of its line end (`\n` or `\r\n`), or -1 when {@link fromCells} has to decide
   */
  scan(buf: Uint8Array, at: number, end: number): number;
  /** The row that the last successful {@link scan} read. */
  take(): Row;
  fromCells(cells: readonly string[]): Row | RowFault;
}

/** One kind of row that can be ingested: how it is read from each format. Fast and slow paths agree (property-tested). */
export interface RowKind<Row> {
  /** The member of a JSON body that holds the rows. */
  readonly arrayKey: string;
  /**
   * Fast path: reads one JSON object of the usual shape that begins at `at`.
   * @returns the offset behind its `}`, or -1 when {@link fromJson} has to decide
   */
  scanJson(buf: Uint8Array, at: number, end: number): number;
  /** The row that the last successful {@link scanJson} read. */
  take(): Row;
  /** @param value what `JSON.parse` made of the record */
  fromJson(value: unknown): Row | RowFault;
  /** @throws Problem 400 naming the columns that are missing or doubled */
  bindCsv(header: readonly string[], delimiter: number): CsvBinding<Row>;
}
