import { createHash } from 'node:crypto';
import { Problem } from '../domain/problem.js';

/**
 * What one value of a position is. `us`: microseconds since 1970, whole, as text; `us?`: that, or empty; `ms`: milliseconds since 1970;
 * `count`: a whole number from 0; `text`: what may be an id.
 */
type Kind = 'us' | 'us?' | 'ms' | 'count' | 'text';
type Position<T extends readonly Kind[]> = {
  [K in keyof T]: T[K] extends 'ms' | 'count' ? number : string;
};

/** Years 1 to 9999: within what PostgreSQL and `Date` both know. */
const firstMs = -62_135_596_800_000;
const lastMs = 253_402_300_799_999;
const maxText = 256;

const isWithin = (ms: number): boolean => ms >= firstMs && ms <= lastMs;

const isMicroseconds = (value: unknown): boolean =>
  typeof value === 'string' && /^(0|-?[1-9]\d{0,17})$/.test(value) && isWithin(Number(value) / 1_000);

const fits: Readonly<Record<Kind, (value: unknown) => boolean>> = {
  us: isMicroseconds,
  'us?': (value) => value === '' || isMicroseconds(value),
  ms: (value) => typeof value === 'number' && isWithin(value),
  count: (value) => Number.isSafeInteger(value) && (value as number) >= 0,
  text: (value) =>
    typeof value === 'string' && value.length <= maxText && value.isWellFormed() && !value.includes('\0'),
};

/** Names the list that a cursor belongs to: one of another list, or of another query, is refused. */
const mark = (list: readonly string[]): string =>
  createHash('sha256').update(JSON.stringify(list)).digest('base64url').slice(0, 8);

/**
 * An opaque position in a list: what the last answer ended with, as URL-safe text.
 * @param list what the position is in: its name, and the parts of the query that make it another list
 */
export function encodeCursor(list: readonly string[], position: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify([mark(list), ...position])).toString('base64url');
}

/** @throws Problem 400 when {@link encodeCursor} cannot have made it, for this list, of values of these kinds */
export function decodeCursor<const T extends readonly Kind[]>(
  list: readonly string[],
  cursor: string,
  kinds: T,
): Position<T> {
  const values = read(cursor);
  if (values === undefined) throw invalid('is not a cursor');
  const [of, ...position] = values;
  if (of !== mark(list)) throw invalid('belongs to another list or query');
  if (position.length !== kinds.length || !kinds.every((kind, i) => fits[kind](position[i]))) {
    throw invalid('has been altered');
  }
  return position as unknown as Position<T>;
}

function read(cursor: string): unknown[] | undefined {
  try {
    const values: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    return Array.isArray(values) ? values : undefined;
  } catch {
    return undefined;
  }
}

const invalid = (message: string): Problem =>
  new Problem(400, 'INVALID_CURSOR', `The cursor ${message}; take one that this list has given out.`, {
    errors: [{ pointer: '?cursor', code: 'INVALID_CURSOR', message }],
  });
