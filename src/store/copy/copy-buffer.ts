/** PostgreSQL counts timestamps from 2000-01-01 UTC. */
const pgEpochMs = Date.UTC(2000, 0, 1);
const two32 = 4_294_967_296;

/** What precedes the first row of a binary `COPY` stream: signature, flags, length of the header extension. */
const signature = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1');

/** `CopyData` frame: message type and a length that includes itself. */
const frameBytes = 5;
const copyDataType = 0x64;

/**
 * Rows in PostgreSQL's binary `COPY` format, written straight into the `CopyData` frame that goes to the socket.
 *
 * A column is written by the call that matches its type, in the order of the column list. Values are **not** checked
 * here: an invalid date is stored as a wrong one and a lone surrogate as U+FFFD, so callers validate first.
 */
export class CopyBuffer {
  private buffer: Buffer;
  private offset = frameBytes;

  constructor(initialBytes = 64 * 1024) {
    this.buffer = Buffer.allocUnsafe(Math.max(initialBytes, 1024));
  }

  /** Bytes of payload since the last {@link takeFrame}. */
  get length(): number {
    return this.offset - frameBytes;
  }

  /** Starts a stream; before the first row. */
  header(): void {
    this.reserve(signature.length);
    signature.copy(this.buffer, this.offset);
    this.offset += signature.length;
  }

  /** Ends a stream; after the last row. */
  trailer(): void {
    this.reserve(2);
    this.offset = this.buffer.writeInt16BE(-1, this.offset);
  }

  /** Starts a row of `columns` values. */
  row(columns: number): void {
    this.reserve(2);
    this.offset = this.buffer.writeInt16BE(columns, this.offset);
  }

  /** Any type. */
  null(): void {
    this.reserve(4);
    this.offset = this.buffer.writeInt32BE(-1, this.offset);
  }

  /** `text`, `varchar`. */
  text(value: string): void {
    // The longest UTF-8 form of a UTF-16 unit is 3 bytes.
    this.reserve(4 + value.length * 3);
    const length = this.buffer.write(value, this.offset + 4, 'utf8');
    this.buffer.writeInt32BE(length, this.offset);
    this.offset += 4 + length;
  }

  /** `jsonb`: a version byte, then the JSON text. */
  jsonb(json: string): void {
    this.reserve(5 + json.length * 3);
    const length = this.buffer.write(json, this.offset + 5, 'utf8');
    this.buffer.writeInt32BE(length + 1, this.offset);
    this.buffer[this.offset + 4] = 1;
    this.offset += 5 + length;
  }

  /** `double precision`. */
  float8(value: number): void {
    this.reserve(12);
    this.buffer.writeInt32BE(8, this.offset);
    this.offset = this.buffer.writeDoubleBE(value, this.offset + 4);
  }

  /** `bigint`. @param value a safe integer */
  int8(value: number): void {
    this.reserve(12);
    this.buffer.writeInt32BE(8, this.offset);
    this.int64(value, this.offset + 4);
    this.offset += 12;
  }

  /** `uuid`. @param value in its canonical text form */
  uuid(value: string): void {
    this.reserve(20);
    this.buffer.writeInt32BE(16, this.offset);
    this.buffer.write(value.replaceAll('-', ''), this.offset + 4, 16, 'hex');
    this.offset += 20;
  }

  /** `timestamptz`. @param ms Unix milliseconds; fractions become microseconds, rounded to the nearest */
  timestamptz(ms: number): void {
    this.reserve(12);
    this.buffer.writeInt32BE(8, this.offset);
    // Whole and fractional milliseconds apart: ms * 1000 as one product would lose digits only beyond year 2255,
    // but its rounding would move a value like 0.1 + 0.2 ms by one microsecond.
    const whole = Math.floor(ms);
    this.int64((whole - pgEpochMs) * 1000 + Math.round((ms - whole) * 1000), this.offset + 4);
    this.offset += 12;
  }

  /** The finished `CopyData` message; the buffer starts a new one. */
  takeFrame(): Buffer {
    const frame = this.buffer.subarray(0, this.offset);
    frame[0] = copyDataType;
    frame.writeInt32BE(this.offset - 1, 1);
    this.buffer = Buffer.allocUnsafe(this.buffer.length);
    this.offset = frameBytes;
    return frame;
  }

  /** As two 32-bit halves: no BigInt on the hot path. */
  private int64(value: number, at: number): void {
    const high = Math.floor(value / two32);
    this.buffer.writeInt32BE(high, at);
    this.buffer.writeUInt32BE(value - high * two32, at + 4);
  }

  private reserve(bytes: number): void {
    if (this.offset + bytes <= this.buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.buffer.length * 2, this.offset + bytes));
    this.buffer.copy(grown, 0, 0, this.offset);
    this.buffer = grown;
  }
}
