import { LineParser } from './line-parser.js';
import type { RowKind } from './push-parser.js';
import type { RowBatch } from './row-batch.js';
import { RowFault } from './row-fault.js';
import { parseJson } from './text.js';

export const malformedJson = new RowFault('MALFORMED_ROW', 'The record is not valid JSON.');

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
    const value = parseJson(line);
    const row = value === undefined ? malformedJson : this.kind.fromJson(value);
    if (row instanceof RowFault) out.reject(this.nextIndex, row);
    else out.add(row, this.nextIndex);
    return true;
  }
}
