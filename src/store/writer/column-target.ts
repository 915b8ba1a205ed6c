import type { WriterName } from '../../observability/catalogue/store.js';
import type { CopyBuffer } from '../copy/copy-buffer.js';
import type { PartitionService } from '../partitions/partition.service.js';
import type { TimeTable } from '../retention.js';
import type { BatchStatements, RowBatch, RowTarget } from './row-target.js';

/** A column and how a row's value for it is written. */
export interface CopyColumn<Row> {
  readonly name: string;
  readonly write: (row: Row, into: CopyBuffer) => void;
}

/** A time table whose rows are written as they are: no sequence, no keys, no duplicates. */
export class ColumnTarget<Row extends { readonly tsMs: number }> implements RowTarget<Row> {
  readonly sequenced = false;
  private readonly copy: string;

  constructor(
    readonly name: WriterName & TimeTable,
    private readonly columns: readonly CopyColumn<Row>[],
    private readonly partitions: PartitionService | null,
    readonly bytes: (row: Row) => number,
  ) {
    this.copy = `COPY ${name} (${columns.map((c) => c.name).join(', ')}) FROM STDIN (FORMAT binary)`;
  }

  async prepare({ rows }: RowBatch<Row>, retry: boolean): Promise<void> {
    await this.partitions?.prepare(this.name, rows, retry);
  }

  statements(): BatchStatements {
    return { copy: this.copy };
  }

  encode(row: Row, _seq: number, into: CopyBuffer): void {
    into.row(this.columns.length);
    for (const column of this.columns) column.write(row, into);
  }
}

/** `jsonb`, or NULL. */
export function jsonOrNull(into: CopyBuffer, json: string | null): void {
  if (json === null) into.null();
  else into.jsonb(json);
}
