import { Carry } from './carry.js';
import { maxRowBytes, type PushParser } from './push-parser.js';
import type { RowBatch } from './row-batch.js';
import { RowFault } from './row-fault.js';
import { decodeUtf8 } from './text.js';

const lineFeed = 0x0a;
const carriageReturn = 0x0d;

export const rowTooLong = new RowFault('ROW_TOO_LONG', `The record is longer than ${maxRowBytes} bytes.`);
export const invalidUtf8 = new RowFault('INVALID_UTF8', 'The record is not valid UTF-8.');

/** Formats with one record per line. Blank lines are no records; the last line needs no line feed. */
export abstract class LineParser<Row> implements PushParser<Row> {
  nextIndex = 0;
  private readonly carry = new Carry();
  private isFirstLine = true;
  /** Inside a line that was refused as too long. */
  private skipping = false;

  /**
   * Fast path over the bytes of a chunk.
   * @returns the offset behind the record (its line end has not been looked at), or -1
   */
  protected abstract scan(buf: Uint8Array, at: number, end: number): number;
  /** Adds the row that the last successful {@link scan} read. */
  protected abstract addScanned(out: RowBatch<Row>): void;
  /**
   * Slow path: one line, not blank, without its line end.
   * @returns whether it was a record (a comment is not)
   */
  protected abstract readLine(line: string, out: RowBatch<Row>): boolean;

  push(chunk: Buffer, out: RowBatch<Row>): void {
    const end = chunk.length;
    let i = 0;
    if (this.skipping || this.carry.length > 0) {
      const lineEnd = chunk.indexOf(lineFeed);
      this.hold(chunk, 0, lineEnd < 0 ? end : lineEnd, out);
      if (lineEnd < 0) return;
      this.finishHeld(out);
      i = lineEnd + 1;
    }
    while (i < end) {
      if (chunk[i] === lineFeed) {
        this.isFirstLine = false;
        i++;
        continue;
      }
      let next = this.scan(chunk, i, end);
      if (next > 0 && chunk[next] === carriageReturn) next++;
      if (next > 0 && next < end && chunk[next] === lineFeed && next - i <= maxRowBytes) {
        this.addScanned(out);
        this.nextIndex++;
        this.isFirstLine = false;
        i = next + 1;
        continue;
      }
      const lineEnd = chunk.indexOf(lineFeed, i);
      if (lineEnd < 0) {
        this.hold(chunk, i, end, out);
        return;
      }
      this.line(chunk, i, lineEnd, out);
      i = lineEnd + 1;
    }
  }

  end(out: RowBatch<Row>): void {
    this.finishHeld(out);
  }

  private hold(chunk: Uint8Array, from: number, to: number, out: RowBatch<Row>): void {
    if (this.skipping || this.carry.append(chunk, from, to)) return;
    this.skipping = true;
    out.reject(this.nextIndex++, rowTooLong);
  }

  private finishHeld(out: RowBatch<Row>): void {
    if (this.skipping) {
      this.skipping = false;
      this.isFirstLine = false;
      return;
    }
    const held = this.carry.take();
    if (held.length > 0) this.line(held, 0, held.length, out);
  }

  private line(buf: Buffer, from: number, lineEnd: number, out: RowBatch<Row>): void {
    const isFirst = this.isFirstLine;
    this.isFirstLine = false;
    const to = lineEnd > from && buf[lineEnd - 1] === carriageReturn ? lineEnd - 1 : lineEnd;
    if (lineEnd - from > maxRowBytes) {
      out.reject(this.nextIndex++, rowTooLong);
      return;
    }
    const text = decodeUtf8(buf, from, to, isFirst);
    if (text === undefined) {
      out.reject(this.nextIndex++, invalidUtf8);
    } else if (text.trim() !== '' && this.readLine(text, out)) {
      this.nextIndex++;
    }
  }
}
