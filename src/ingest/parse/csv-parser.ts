import { Problem } from '../../domain/problem.js';
import { Carry } from './carry.js';
import { invalidUtf8, rowTooLong } from './line-parser.js';
import { type CsvBinding, maxRowBytes, type PushParser, type RowKind } from './push-parser.js';
import type { RowBatch } from './row-batch.js';
import { RowFault } from './row-fault.js';
import { decodeUtf8 } from './text.js';

const quote = 0x22;
const lineFeed = 0x0a;

/** Tried in this order: the first that occurs in the header line separates its columns. */
const delimiters = [',', ';', '\t'];

/**
 * RFC 4180 with a header line: quoted cells may hold delimiters, doubled quotes and line ends. `,`, `;` and tab
 * separate, whichever the header uses. Blank lines are no records.
 */
export class CsvParser<Row> implements PushParser<Row> {
  nextIndex = 0;
  /** Header names whose columns are skipped. */
  ignoredColumns: readonly string[] = [];
  private readonly carry = new Carry();
  private binding: CsvBinding<Row> | undefined;
  private columns = 0;
  private delimiter = ',';
  private inQuotes = false;
  private skipping = false;

  constructor(private readonly kind: RowKind<Row>) {}

  push(chunk: Buffer, out: RowBatch<Row>): void {
    const end = chunk.length;
    let i = 0;
    while (i < end) {
      const isFresh = this.carry.length === 0 && !this.skipping;
      if (isFresh && this.binding !== undefined) {
        let next = this.binding.scan(chunk, i, end);
        if (next > 0 && chunk[next] === 0x0d) next++;
        if (next > 0 && next < end && next - i <= maxRowBytes) {
          out.add(this.binding.take(), this.nextIndex++);
          i = next + 1;
          continue;
        }
      }
      const recordEnd = this.findRecordEnd(chunk, i, end);
      if (recordEnd < 0) {
        this.hold(chunk, i, end, out);
        return;
      }
      if (isFresh && recordEnd - i <= maxRowBytes) this.record(chunk, i, recordEnd, out);
      else {
        this.hold(chunk, i, recordEnd, out);
        this.finishHeld(out);
      }
      i = recordEnd + 1;
    }
  }

  end(out: RowBatch<Row>): void {
    if (this.skipping) return;
    const held = this.carry.take();
    if (this.inQuotes) {
      if (this.binding === undefined)
        throw new Problem(400, 'CSV_HEADER', 'The CSV header has an open quote.');
      out.reject(this.nextIndex++, new RowFault('MALFORMED_ROW', 'The file ends inside a quoted cell.'));
    } else if (held.length > 0) this.record(held, 0, held.length, out);
    if (this.binding === undefined)
      throw new Problem(400, 'EMPTY_BODY', 'The body is empty; a CSV header is expected.');
  }

  /**
   * The first line feed outside quotes; remembers across chunks whether it is inside some. A quote that is never closed
   * must not swallow the file: in a record that is too long already, any line feed ends it.
   */
  private findRecordEnd(chunk: Uint8Array, from: number, end: number): number {
    const longest = this.skipping ? from : from + maxRowBytes - this.carry.length;
    for (let i = from; i < end; i++) {
      const byte = chunk[i];
      if (byte === quote) this.inQuotes = !this.inQuotes;
      else if (byte === lineFeed && (!this.inQuotes || i > longest || this.skipping)) {
        this.inQuotes = false;
        return i;
      }
    }
    return -1;
  }

  private hold(chunk: Uint8Array, from: number, to: number, out: RowBatch<Row>): void {
    if (this.skipping || this.carry.append(chunk, from, to)) return;
    if (this.binding === undefined) throw headerTooLong;
    this.skipping = true;
    out.reject(this.nextIndex++, rowTooLong);
  }

  private finishHeld(out: RowBatch<Row>): void {
    if (this.skipping) this.skipping = false;
    else {
      const held = this.carry.take();
      this.record(held, 0, held.length, out);
    }
  }

  private record(bytes: Buffer, from: number, to: number, out: RowBatch<Row>): void {
    const isHeader = this.binding === undefined;
    let text = decodeUtf8(bytes, from, to, isHeader);
    if (text?.endsWith('\r')) text = text.slice(0, -1);
    if (text?.trim() === '') return;
    if (isHeader) this.readHeader(text);
    else this.readRecord(text, out);
  }

  private readHeader(text: string | undefined): void {
    if (text === undefined) throw new Problem(400, 'CSV_HEADER', 'The CSV header is not valid UTF-8.');
    this.delimiter = delimiters.find((candidate) => text.includes(candidate)) ?? ',';
    const header = splitCells(text, this.delimiter);
    if (header === undefined)
      throw new Problem(400, 'CSV_HEADER', 'The quotes of the CSV header do not match.');
    this.columns = header.length;
    this.binding = this.kind.bindCsv(header, this.delimiter.charCodeAt(0));
    this.ignoredColumns = this.binding.ignored;
  }

  private readRecord(text: string | undefined, out: RowBatch<Row>): void {
    const index = this.nextIndex++;
    const row = text === undefined ? invalidUtf8 : this.readCells(text);
    if (row instanceof RowFault) out.reject(index, row);
    else out.add(row, index);
  }

  private readCells(text: string): Row | RowFault {
    const cells = splitCells(text, this.delimiter);
    if (cells === undefined) return new RowFault('MALFORMED_ROW', 'A quote is in the wrong place.');
    if (cells.length !== this.columns) {
      return new RowFault(
        'MALFORMED_ROW',
        `The record has ${cells.length} cells, the header ${this.columns} columns.`,
      );
    }
    return this.binding!.fromCells(cells);
  }
}

const headerTooLong = new Problem(400, 'CSV_HEADER', `The CSV header is longer than ${maxRowBytes} bytes.`);

/** One record → its cells, quotes removed; `undefined` when a quote is in the wrong place. */
function splitCells(text: string, delimiter: string): string[] | undefined {
  if (!text.includes('"')) return text.split(delimiter);
  const cells: string[] = [];
  let i = 0;
  for (;;) {
    if (text[i] === '"') {
      let cell = '';
      for (;;) {
        const close = text.indexOf('"', i + 1);
        if (close < 0) return undefined;
        cell += text.slice(i + 1, close);
        i = close + 1;
        if (text[i] !== '"') break;
        cell += '"';
      }
      cells.push(cell);
      if (i === text.length) return cells;
      if (text[i] !== delimiter) return undefined;
      i++;
    } else {
      const next = text.indexOf(delimiter, i);
      const cell = next < 0 ? text.slice(i) : text.slice(i, next);
      if (cell.includes('"')) return undefined;
      cells.push(cell);
      if (next < 0) return cells;
      i = next + 1;
    }
  }
}
