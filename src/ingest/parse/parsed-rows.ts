import type { PushParser, RowKind } from './push-parser.js';
import type { RowBatch } from './row-batch.js';
import { RowFault } from './row-fault.js';

/** Records that came within a larger JSON message and have been through `JSON.parse` with it. */
export class ParsedRows<Row> implements PushParser<Row> {
  nextIndex = 0;

  constructor(
    private readonly kind: RowKind<Row>,
    private readonly values: readonly unknown[],
  ) {}

  /** Bytes of the message only say what it is; its records are given already. */
  push(): void {}

  end(out: RowBatch<Row>): void {
    for (const value of this.values) {
      const index = this.nextIndex++;
      const row = this.kind.fromJson(value);
      if (row instanceof RowFault) out.reject(index, row);
      else out.add(row, index);
    }
  }
}
