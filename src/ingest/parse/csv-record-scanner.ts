/** Reads the cells of one CSV record into a row. */
export interface CellReader<Field> {
  reset(): void;
  /** @returns the offset behind the cell, or -1 */
  read(buf: Uint8Array, field: Field, at: number, end: number): number;
  readonly complete: boolean;
}

/**
 * A record without quotes whose meaningless cells are ASCII.
 * @param fields for each column its field, `undefined` where its cells are skipped
 * @returns the offset of the line end (`\n` or `\r\n`), or -1 when the slow path has to decide
 */
export function scanRecord<Field>(
  reader: CellReader<Field>,
  fields: readonly (Field | undefined)[],
  delimiter: number,
  buf: Uint8Array,
  at: number,
  end: number,
): number {
  reader.reset();
  const last = fields.length - 1;
  let i = at;
  for (let column = 0; column <= last; column++) {
    const field = fields[column];
    const isEmpty = i < end && (buf[i] === delimiter || buf[i] === 0x0a || buf[i] === 0x0d);
    if (!isEmpty)
      i = field === undefined ? skipCell(buf, delimiter, i, end) : reader.read(buf, field, i, end);
    if (i < 0 || i >= end) return -1;
    const byte = buf[i];
    if (column < last) {
      if (byte !== delimiter) return -1;
      i++;
    } else if (byte !== 0x0a && !(byte === 0x0d && i + 1 < end && buf[i + 1] === 0x0a)) return -1;
  }
  return reader.complete ? i : -1;
}

function skipCell(buf: Uint8Array, delimiter: number, at: number, end: number): number {
  for (let i = at; i < end; i++) {
    const byte = buf[i]!;
    if (byte === delimiter || byte === 0x0a || byte === 0x0d) return i;
    // Quotes, and bytes whose UTF-8 has to be checked.
    if (byte === 0x22 || byte >= 0x80) return -1;
  }
  return -1;
}
