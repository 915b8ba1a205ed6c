import { Problem } from '../../domain/problem.js';
import { Carry } from './carry.js';
import { invalidUtf8, rowTooLong } from './line-parser.js';
import { readRow } from './ndjson-parser.js';
import { maxRowBytes, type PushParser, type RowKind } from './push-parser.js';
import type { RowBatch } from './row-batch.js';
import { quoted, RowFault } from './row-fault.js';
import { decodeUtf8 } from './text.js';

/** What is expected next. */
type State =
  | 'document'
  | 'key'
  | 'colon'
  | 'array'
  | 'first element'
  | 'element'
  | 'inside element'
  | 'comma'
  | 'close'
  | 'end';

/** Longest key of the outer object that is read. */
const maxKeyBytes = 64;

const isBlank = (byte: number): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

/**
 * `{"ticks": […]}`, however long: only the element at hand is held. The outer object must hold the array and nothing
 * else; its elements are rows, each accepted or rejected by itself.
 */
export class JsonDocumentParser<Row> implements PushParser<Row> {
  nextIndex = 0;
  private state: State = 'document';
  private offset = 0;
  private key = '';
  private inKey = false;
  private readonly carry = new Carry();
  // Inside an element that spans chunks or that the fast path left:
  private depth = 0;
  private inString = false;
  private escaped = false;
  private skipping = false;

  constructor(private readonly kind: RowKind<Row>) {}

  push(chunk: Buffer, out: RowBatch<Row>): void {
    const end = chunk.length;
    let i = 0;
    while (i < end) {
      if (this.state === 'inside element') i = this.continueElement(chunk, i, end, out);
      else if (this.state === 'key') i = this.readKey(chunk, i, end);
      else if (isBlank(chunk[i]!)) i++;
      else i = this.structure(chunk, i, end, out);
    }
    this.offset += end;
  }

  end(_out: RowBatch<Row>): void {
    if (this.state === 'end') return;
    if (this.state === 'document') throw new Problem(400, 'EMPTY_BODY', 'The body is empty.');
    throw new Problem(400, 'MALFORMED_JSON', `The JSON body ends early, at byte ${this.offset}.`);
  }

  /** One structural byte, or one element. */
  private structure(chunk: Uint8Array, i: number, end: number, out: RowBatch<Row>): number {
    const byte = chunk[i]!;
    switch (this.state) {
      case 'document':
        // A byte order mark.
        if (byte === 0xef || byte === 0xbb || byte === 0xbf) return i + 1;
        return this.expect(byte, 0x7b, 'key', i, `{"${this.kind.arrayKey}": [...]}`);
      case 'colon':
        return this.expect(byte, 0x3a, 'array', i, '":"');
      case 'array':
        return this.expect(byte, 0x5b, 'first element', i, `an array as "${this.kind.arrayKey}"`);
      case 'first element':
      case 'element':
        if (byte === 0x5d && this.state === 'first element') {
          this.state = 'close';
          return i + 1;
        }
        return this.element(chunk, i, end, out);
      case 'comma':
        if (byte === 0x5d) {
          this.state = 'close';
          return i + 1;
        }
        return this.expect(byte, 0x2c, 'element', i, '"," or "]"');
      case 'close':
        if (byte === 0x2c) {
          this.state = 'key';
          return i + 1;
        }
        return this.expect(byte, 0x7d, 'end', i, '"}"');
      default:
        return this.unexpected(i, 'nothing more');
    }
  }

  private expect(byte: number, wanted: number, next: State, i: number, name: string): number {
    if (byte !== wanted) return this.unexpected(i, name);
    this.state = next;
    return i + 1;
  }

  private unexpected(i: number, wanted: string): never {
    throw new Problem(
      400,
      'MALFORMED_JSON',
      `The JSON body has at byte ${this.offset + i} something else than ${wanted}.`,
    );
  }

  private readKey(chunk: Uint8Array, from: number, end: number): number {
    for (let i = from; i < end; i++) {
      const byte = chunk[i]!;
      if (!this.inKey) {
        if (isBlank(byte)) continue;
        if (byte !== 0x22) return this.unexpected(i, `the key "${this.kind.arrayKey}"`);
        this.inKey = true;
        this.key = '';
      } else if (byte === 0x22) {
        this.inKey = false;
        this.acceptKey();
        this.state = 'colon';
        return i + 1;
      } else {
        this.key += String.fromCharCode(byte);
        if (this.key.length > maxKeyBytes) this.acceptKey();
      }
    }
    return end;
  }

  private seenArray = false;

  private acceptKey(): void {
    const { arrayKey } = this.kind;
    const code = this.key !== arrayKey ? 'UNKNOWN_FIELD' : this.seenArray ? 'DUPLICATE_FIELD' : undefined;
    if (code !== undefined) {
      const message = code === 'UNKNOWN_FIELD' ? 'is not a known field' : 'is given twice';
      throw new Problem(400, code, `${quoted(this.key)} ${message}; the body is {"${arrayKey}": [...]}.`, {
        errors: [{ pointer: `/${this.key.replaceAll('~', '~0').replaceAll('/', '~1')}`, code, message }],
      });
    }
    this.seenArray = true;
  }

  /** The beginning of an element. */
  private element(chunk: Uint8Array, i: number, end: number, out: RowBatch<Row>): number {
    let next = this.kind.scanJson(chunk, i, end);
    if (next > 0) {
      // What follows decides whether the element has ended here; unknown at the end of a chunk.
      while (next < end && isBlank(chunk[next]!)) next++;
      if (next < end && next - i <= maxRowBytes && (chunk[next] === 0x2c || chunk[next] === 0x5d)) {
        out.add(this.kind.take(), this.nextIndex++);
        this.state = 'comma';
        return next;
      }
    }
    if (chunk[i] === 0x5d || chunk[i] === 0x2c) return this.unexpected(i, 'an element');
    this.state = 'inside element';
    this.depth = 0;
    this.inString = false;
    this.escaped = false;
    this.skipping = false;
    return this.continueElement(chunk, i, end, out);
  }

  /** Looks for the end of the element: the `,` or `]` at its own depth, outside strings. */
  private continueElement(chunk: Uint8Array, from: number, end: number, out: RowBatch<Row>): number {
    let i = from;
    for (; i < end; i++) {
      const byte = chunk[i]!;
      if (this.inString) {
        if (this.escaped) this.escaped = false;
        else if (byte === 0x5c) this.escaped = true;
        else if (byte === 0x22) this.inString = false;
      } else if (byte === 0x22) this.inString = true;
      else if (byte === 0x7b || byte === 0x5b) this.depth++;
      else if (byte === 0x2c && this.depth === 0) break;
      else if (byte === 0x7d || byte === 0x5d) {
        if (this.depth === 0) {
          if (byte === 0x7d) return this.unexpected(i, 'an element');
          break;
        }
        this.depth--;
      }
    }
    if (!this.skipping && !this.carry.append(chunk, from, i)) {
      this.skipping = true;
      out.reject(this.nextIndex++, rowTooLong);
    }
    if (i === end) return end;
    this.state = 'comma';
    if (!this.skipping) this.finishElement(this.carry.take(), out);
    return i;
  }

  private finishElement(bytes: Buffer, out: RowBatch<Row>): void {
    const index = this.nextIndex++;
    const text = decodeUtf8(bytes, 0, bytes.length, false);
    if (text === undefined) {
      out.reject(index, invalidUtf8);
      return;
    }
    const row = readRow(text, this.kind);
    if (row instanceof RowFault) out.reject(index, row);
    else out.add(row, index);
  }
}
