import type { ErrorClass } from '../catalogue/watching.js';
import { BudgetExceeded } from './cost-meter.js';

/** A value that the catalogue does not allow, a reply that does not parse, a configuration that does not fit. */
export class SchemaError extends Error {
  override readonly name = 'SchemaError';
}

const connectionCodes =
  /^(ECONN\w+|ENOTFOUND|EAI_AGAIN|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOENT|UND_ERR_\w+|08\w{3}|57P0\w|53300)$/;
const connectionMessages =
  /connection (terminated|timeout|is closed)|timeout exceeded when trying to connect|stream isn't writeable|max retries per request|fetch failed/i;

/** Sorts any thrown value into the closed set that metrics and alerts speak of. */
export function classify(error: unknown): ErrorClass {
  if (!isErrorLike(error)) return 'other';
  if (error instanceof BudgetExceeded || error.name === 'BudgetExceeded') return 'budget';
  if (
    error instanceof SchemaError ||
    error.name === 'SchemaError' ||
    error.name === 'ZodError' ||
    error instanceof SyntaxError
  )
    return 'schema';
  if (error.name === 'TimeoutError' || error.name === 'AbortError') return 'timeout';
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (code === '57014' || code === '55P03') return 'timeout';
  if (code === '42501' || /^NO(AUTH|PERM)\b/.test(error.message)) return 'permission';
  if (connectionCodes.test(code) || connectionMessages.test(error.message)) return 'connection';
  if (/^[0-9A-Z]{5}$/.test(code) || error.name === 'ReplyError') return 'query';
  if (
    error.message.includes('is not in the catalogue') ||
    error.message.includes('is not in the collector')
  ) {
    return 'schema';
  }
  return 'other';
}

/** Not `instanceof`: errors of other realms and DOMException are errors too. */
const isErrorLike = (value: unknown): value is Error =>
  typeof value === 'object' && value !== null && 'name' in value && 'message' in value;

/** One line, bounded, without anything that looks like a credential in a URL. */
export function describe(error: unknown): string {
  const text = isErrorLike(error) ? error.message : String(error);
  return text.replace(/(:\/\/[^:/\s]*):[^@/\s]*@/g, '$1:***@').slice(0, 300);
}
