import type { RowFault } from './row-fault.js';

/** A row that was refused, by its 0-based position among the records of the request. */
export interface Rejection {
  readonly index: number;
  readonly code: string;
  readonly message: string;
}

/** What a parser has found so far: rows that passed and rows that did not, each with its position in the request. */
export class RowBatch<Row> {
  rows: Row[] = [];
  /** `indices[i]` is the position of `rows[i]` in the request. Non-decreasing: one record may make several rows. */
  indices: number[] = [];
  rejected: Rejection[] = [];

  add(row: Row, index: number): void {
    this.rows.push(row);
    this.indices.push(index);
  }

  reject(index: number, fault: RowFault): void {
    this.rejected.push({ index, code: fault.code, message: fault.message });
  }
}
