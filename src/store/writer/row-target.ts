import type { WriterName } from '../../observability/catalogue/store.js';
import type { CopyBuffer } from '../copy/copy-buffer.js';
import type { StatementResult } from '../copy/copy-query.js';

/** Rows that are committed together. */
export interface RowBatch<Row> {
  readonly rows: readonly Row[];
  /** `seq` of the first row, the others follow; 0 for tables without `seq`. */
  readonly firstSeq: number;
  /** Statements of the callers that commit together with the rows. */
  readonly alongside: readonly string[];
}

/** Statements that run in the transaction of a batch. No bind parameters: literals only. */
export interface BatchStatements {
  /** Before the rows, for example a staging table. */
  readonly before?: readonly string[];
  /** `COPY … FROM STDIN (FORMAT binary)`. */
  readonly copy: string;
  /** After the rows, without those at the positions that were refused; their answers go to {@link RowTarget.duplicates}. */
  readonly after?: (refused: ReadonlySet<number>) => readonly string[];
}

/** What the group-commit writer has to know about one table. */
export interface RowTarget<Row> {
  readonly name: WriterName;
  /** Whether rows carry numbers of the one sequence. */
  readonly sequenced: boolean;
  /** Estimated size of a row in memory, for the bound on the buffer. */
  bytes(row: Row): number;
  /** Runs before a batch is sent, in no transaction: partitions. `retry`: the database says that one is missing. */
  prepare?(batch: RowBatch<Row>, retry: boolean): Promise<void>;
  statements(batch: RowBatch<Row>): BatchStatements;
  /** Writes one row in the order of the column list of `copy`. */
  encode(row: Row, seq: number, into: CopyBuffer): void;
  /** Positions of the rows that were already stored, from the answers of `after`. */
  duplicates?(batch: RowBatch<Row>, after: readonly StatementResult[]): readonly number[];
  /** Positions of the rows that the batch has not stored, when its answers were lost with the connection. */
  absentRows?(
    batch: RowBatch<Row>,
    query: (sql: string) => Promise<StatementResult[]>,
  ): Promise<readonly number[]>;
}

export interface RejectedRow {
  /** Position within the rows of the append. */
  readonly index: number;
  readonly code: string;
  readonly message: string;
}

/** What became of the rows of one append; answered after the commit. */
export interface AppendResult {
  readonly stored: number;
  /** Already there, by source id. */
  readonly duplicates: number;
  readonly rejected: readonly RejectedRow[];
}

/** A committed batch without what was not stored, in the order of `seq`. */
export interface CommittedBatch<Row> {
  readonly rows: readonly Row[];
  /** `seqs[i]` belongs to `rows[i]`; empty for tables without `seq`. */
  readonly seqs: readonly number[];
  readonly ingestedAtMs: number;
  readonly storedAtMs: number;
}
