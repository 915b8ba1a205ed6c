import { duplicateKey } from '../../domain/duplicate-key.js';
import { LineParser } from './line-parser.js';
import type { RowKind } from './push-parser.js';
import type { RowBatch } from './row-batch.js';
import { quoted, RowFault } from './row-fault.js';
import { parseJson } from './text.js';

const malformedJson = new RowFault('MALFORMED_ROW', 'The record is not valid JSON.');

/** One row by `JSON.parse`: what the byte-level path has left, as it leaves records with a field given twice. */
export function readRow<Row>(text: string, kind: RowKind<Row>): Row | RowFault {
  const value = parseJson(text);
  if (value === undefined) return malformedJson;
  const twice = duplicateKey(text, value);
  return twice === undefined
    ? kind.fromJson(value)
    : new RowFault('MALFORMED_ROW', `${quoted(twice)} is given twice.`);
}

/** One JSON object per line. */
export class NdjsonParser<Row> extends LineParser<Row> {
  constructor(private readonly kind: RowKind<Row>) {
    super();
  }

  protected scan(buf: Uint8Array, at: number, end: number): number {
    return this.kind.scanJson(buf, at, end);
  }

  protected addScanned(out: RowBatch<Row>): void {
    out.add(this.kind.take(), this.nextIndex);
  }

  protected readLine(line: string, out: RowBatch<Row>): boolean {
    const row = readRow(line, this.kind);
    if (row instanceof RowFault) out.reject(this.nextIndex, row);
    else out.add(row, this.nextIndex);
    return true;
  }
}
