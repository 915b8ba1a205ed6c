import pg from 'pg';

/** A text literal for statements that take no parameters (`COPY`, several statements in one round trip). */
export const literal = (value: string): string => pg.escapeLiteral(value);

/** A `text[]` literal. */
export const textArray = (values: readonly string[]): string => `${literal(textArrayValue(values))}::text[]`;

/** An array literal of numbers. */
export const numberArray = (values: readonly number[], type: 'bigint' | 'double precision'): string =>
  `'${numberArrayValue(values)}'::${type}[]`;

/** An array as the value of a parameter: given one as an array, the driver looks at each element several times. */
export const textArrayValue = (values: readonly string[]): string =>
  `{${values.map(quotedElement).join(',')}}`;
export const numberArrayValue = (values: readonly number[]): string => `{${values.join(',')}}`;

const special = /["\\]/;
const quotedElement = (value: string): string =>
  special.test(value) ? `"${value.replace(/["\\]/g, '\\$&')}"` : `"${value}"`;
