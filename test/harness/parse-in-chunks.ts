import type { PushParser } from '../../src/ingest/parse/push-parser.js';
import { type Rejection, RowBatch } from '../../src/ingest/parse/row-batch.js';

/** What a parser made of a body: rows with their positions, and rejections. For specs. */
export interface Parsed<Row> {
  readonly rows: readonly { readonly index: number; readonly row: Row }[];
  readonly rejected: readonly Rejection[];
  readonly count: number;
}

/** Feeds a body in chunks that end at the given offsets. */
export function parseInChunks<Row>(
  parser: PushParser<Row>,
  body: Buffer,
  cuts: readonly number[] = [],
): Parsed<Row> {
  const out = new RowBatch<Row>();
  let from = 0;
  for (const cut of [...cuts].sort((a, b) => a - b)) {
    const to = Math.min(cut, body.length);
    if (to > from) parser.push(body.subarray(from, to), out);
    from = Math.max(from, to);
  }
  if (from < body.length) parser.push(body.subarray(from), out);
  parser.end(out);
  const rows = out.rows.map((row, i) => ({ index: out.indices[i]!, row }));
  return { rows, rejected: out.rejected, count: parser.nextIndex };
}
