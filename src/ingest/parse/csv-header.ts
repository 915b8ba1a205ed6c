import { Problem } from '../../domain/problem.js';
import { quoted } from './row-fault.js';

/** More columns than this is not a file of ours. */
const maxColumns = 256;

/** For each column of the header its field, or `undefined` where the column means nothing here. */
export interface CsvColumns<Field extends string> {
  readonly fields: readonly (Field | undefined)[];
  readonly ignored: readonly string[];
}

/**
 * Binds header names to fields. Names are compared without case and surrounding blanks. Columns that no field claims
 * are skipped, since exports carry columns of their own; they are named in the answer, so that a misspelt optional
 * column is seen.
 * @param aliases names of each field, in lower case
 * @throws Problem 400 when a required field has no column or a field has two
 */
export function bindColumns<Field extends string>(
  header: readonly string[],
  aliases: Readonly<Record<Field, readonly string[]>>,
  required: readonly Field[],
): CsvColumns<Field> {
  if (header.length > maxColumns) {
    throw new Problem(
      400,
      'CSV_HEADER',
      `The CSV header has ${header.length} columns; at most ${maxColumns} are read.`,
    );
  }
  const byName = new Map<string, Field>();
  for (const field of Object.keys(aliases) as Field[])
    for (const name of aliases[field]) byName.set(name, field);
  const fields = header.map((name) => byName.get(name.trim().toLowerCase()));
  for (const field of Object.keys(aliases) as Field[]) {
    const columns = header.filter((_, i) => fields[i] === field);
    if (columns.length > 1) {
      throw new Problem(
        400,
        'CSV_HEADER',
        `The CSV columns ${columns.map(quoted).join(' and ')} both mean ${field}.`,
      );
    }
  }
  const missing = required.filter((field) => !fields.includes(field));
  if (missing.length > 0) {
    const wanted = missing.map((field) => {
      const others = aliases[field].slice(1);
      return others.length === 0 ? field : `${field} (or ${others.join(', ')})`;
    });
    throw new Problem(400, 'CSV_HEADER', `The CSV header has no column for ${wanted.join(' and for ')}.`);
  }
  return {
    fields,
    ignored: header.filter((_, i) => fields[i] === undefined).map((name) => name.trim().slice(0, 64)),
  };
}

const decimal = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;

/** A trimmed CSV cell as a number; the text itself when it is none, so that the validator can quote it. */
export const cellNumber = (cell: string): number | string => (decimal.test(cell) ? Number(cell) : cell);
