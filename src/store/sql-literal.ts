import pg from 'pg';

/** A text literal for statements that take no parameters (`COPY`, several statements in one round trip). */
export const literal = (value: string): string => pg.escapeLiteral(value);

/** A `text[]` literal. */
export function textArray(values: readonly string[]): string {
  const quoted = values.map((v) => `"${v.replace(/["\\]/g, '\\$&')}"`);
  return `${literal(`{${quoted.join(',')}}`)}::text[]`;
}

/** An array literal of numbers. */
export const numberArray = (values: readonly number[], type: 'bigint' | 'double precision'): string =>
  `'{${values.join(',')}}'::${type}[]`;
