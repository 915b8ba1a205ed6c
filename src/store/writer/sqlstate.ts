import { Problem } from '../../domain/problem.js';

/** What to do about a failed batch. */
export type FailureClass =
  /** The connection, the transaction or the server was lost: the same batch may succeed. */
  | 'retry'
  /** A row is not acceptable to the database: find it, keep the others. */
  | 'data'
  /** No partition holds a row: make it and send the batch again. */
  | 'partition'
  /** A statement that was to commit alongside forbids it (SQLSTATE TW409). */
  | 'conflict'
  /** A defect of ours (unknown column, no permission): repeating cannot help. */
  | 'fatal';

const socketErrors = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOENT',
  'EAI_AGAIN',
  'ENOTFOUND',
]);

/** Errors of `pg` and its pool that have no code of their own. */
const clientMessages =
  /connection terminated|timeout exceeded when trying to connect|client has encountered a connection error|not queryable|connection ended|query read timeout|socket hang up/i;

/** SQLSTATE of a database error, or the socket's error code; `null` when there is neither. */
export function errorCode(error: unknown): string | null {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : null;
}

/** True when the connection is gone and what it was doing may or may not have happened. */
export function isConnectionLoss(error: unknown): boolean {
  const code = errorCode(error);
  if (code === null) return error instanceof Error && clientMessages.test(error.message);
  return socketErrors.has(code) || code.startsWith('08') || code.startsWith('57P');
}

/** Sorts errors by what to do about them; see {@link FailureClass}. */
export function classifyFailure(error: unknown): FailureClass {
  if (isConnectionLoss(error)) return 'retry';
  if (error instanceof Problem) return error.status === 503 ? 'retry' : 'fatal';
  const code = errorCode(error);
  if (code === null) return 'fatal';
  if (code === 'TW409') return 'conflict';
  if (code === '23514' && /no partition of relation/.test(messageOf(error))) return 'partition';
  // 40: rolled back (serialisation, deadlock); 53: out of a resource; 55P03: lock timeout; 57014: statement timeout.
  if (code.startsWith('40') || code.startsWith('53') || code === '55P03' || code === '57014') return 'retry';
  if (code.startsWith('22') || code.startsWith('23')) return 'data';
  return 'fatal';
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
