import type { Rejection } from './parse/row-batch.js';

/** Rejections listed in one answer; further ones are counted. */
const maxListedRejections = 1_000;

/** What ingest answers once everything accepted is durable. */
export interface IngestAnswer {
  /** Rows that are stored now and were not before. */
  readonly accepted: number;
  /** Rows that were stored already, recognised by their id. */
  readonly duplicates: number;
  /** The first {@link maxListedRejections} refused rows, by position. */
  readonly rejected: readonly Rejection[];
  readonly rejected_total: number;
  /** CSV columns that mean nothing here and were skipped. */
  readonly ignored_columns?: readonly string[];
}

export interface IngestOutcome {
  readonly answer: IngestAnswer;
  /** The answer of an earlier upload with the same key and body; nothing was stored now. */
  readonly replayed: boolean;
}

/** The counts of one request while it runs. */
export class IngestReport {
  accepted = 0;
  duplicates = 0;
  rejectedTotal = 0;
  ignoredColumns: readonly string[] = [];
  private readonly listed: Rejection[] = [];

  reject(rejections: readonly Rejection[]): void {
    this.rejectedTotal += rejections.length;
    const room = maxListedRejections - this.listed.length;
    for (let i = 0; i < rejections.length && i < room; i++) this.listed.push(rejections[i]!);
  }

  answer(): IngestAnswer {
    return {
      accepted: this.accepted,
      duplicates: this.duplicates,
      rejected: this.listed.sort((a, b) => a.index - b.index),
      rejected_total: this.rejectedTotal,
      ...(this.ignoredColumns.length > 0 ? { ignored_columns: this.ignoredColumns } : {}),
    };
  }
}
