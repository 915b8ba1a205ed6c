import { Problem } from '../domain/problem.js';

/** An opaque position in a list: what the last answer ended with, as URL-safe text. */
export function encodeCursor(position: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(position)).toString('base64url');
}

/** @throws Problem 400 when it was not made by {@link encodeCursor} with values of these types */
export function decodeCursor<const T extends readonly ('string' | 'number')[]>(
  cursor: string,
  types: T,
): { [K in keyof T]: T[K] extends 'string' ? string : number } {
  try {
    const values: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    const fits =
      Array.isArray(values) &&
      values.length === types.length &&
      types.every((type, i) => typeof values[i] === type);
    if (fits) return values as never;
  } catch {
    // Not JSON: answered below like any other text that is no cursor.
  }
  throw new Problem(400, 'INVALID_CURSOR', 'The cursor is not one that this list has given out.', {
    errors: [{ pointer: '?cursor', code: 'INVALID_CURSOR', message: 'not a cursor of this list' }],
  });
}
