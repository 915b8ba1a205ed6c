import type { RejectCode } from '../../domain/reject-codes.js';

/** The answer of a validator that refuses a row. A value, not an exception: a body may hold a million of them. */
export class RowFault {
  constructor(
    readonly code: RejectCode,
    readonly message: string,
  ) {}
}

/** Longest client text that is quoted in a message. */
const maxQuoted = 40;

/** Client text made safe to quote: escaped, bounded, well formed. */
export function quoted(value: unknown): string {
  // JSON has no word for the Infinity that it makes of 1e400.
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
  const short = text.length > maxQuoted ? `${text.slice(0, maxQuoted)}…` : text;
  return JSON.stringify(short.toWellFormed());
}

export const notAnObject = new RowFault('NOT_AN_OBJECT', 'The record is not a JSON object.');
