import { isUtf8 } from 'node:buffer';
import { closeCode } from '../protocol/close-codes.js';
import { maxControlBytes, opcode, unmask } from './frames.js';

/** A message of which only some fragments have arrived. */
interface Fragments {
  readonly code: number;
  readonly compressed: boolean;
  readonly chunks: Buffer[];
  bytes: number;
}

/** The first bytes of a frame that has not arrived whole. `buffer` doubles, so that a dribbling peer costs no more. */
interface Partial {
  buffer: Buffer;
  bytes: number;
  /** Bytes of the whole frame as far as its header tells. */
  need: number;
}

/** What the reader keeps between two reads of one connection; both are `null` on a connection at rest. */
export interface ReadState {
  partial: Partial | null;
  fragments: Fragments | null;
}

/** Why the connection must be closed. */
export interface Fault {
  readonly code: number;
  readonly reason: string;
}

/** Receives what a peer sent. Buffers are valid only during the call. */
export interface FrameSink {
  /** A whole, valid UTF-8 text message in `bytes[from, to)`. */
  onText(bytes: Buffer, from: number, to: number): void;
  onBinary(bytes: Buffer, from: number, to: number): void;
  onPing(payload: Buffer): void;
  onPong(): void;
  /** The peer's close frame; 1005 when it named no code. */
  onClose(code: number, reason: string): void;
  /** Decompresses a message (permessage-deflate) of at most `maxBytes`, or says why the connection must be closed. */
  inflate(bytes: Buffer, maxBytes: number): Buffer | Fault;
  /** False once the connection should read no further (closing, paused for good). */
  readonly wantsMore: boolean;
}

const fault = (entry: Fault, reason: string): Fault => ({ code: entry.code, reason });
const protocolFault = (reason: string): Fault => fault(closeCode.protocolError, reason);

/** Codes that may stand in a close frame (RFC 6455, 7.4, and the registry). */
const isSendableCloseCode = (code: number): boolean =>
  (code >= 1000 && code <= 1014 && code !== 1004 && code !== 1005 && code !== 1006) ||
  (code >= 3000 && code <= 4999);

/**
 * Reads client frames (RFC 6455 with permessage-deflate's RSV1). One reader serves every connection of an endpoint;
 * what has to survive between two reads stands in the connection's own {@link ReadState}, which is empty while it is
 * idle.
 */
export class FrameReader {
  constructor(
    /** Largest message after reassembly and decompression, bytes. */
    private readonly maxPayloadBytes: number,
  ) {}

  /**
   * Takes the bytes of one read; masks are removed in place.
   * @param compression whether permessage-deflate was negotiated
   * @returns why the connection must be closed, or `undefined` while all is well
   */
  read(state: ReadState, chunk: Buffer, sink: FrameSink, compression: boolean): Fault | undefined {
    let bytes = chunk;
    if (state.partial !== null) {
      append(state.partial, chunk);
      if (state.partial.bytes < state.partial.need) return undefined;
      bytes = state.partial.buffer.subarray(0, state.partial.bytes);
      state.partial = null;
    }
    let at = 0;
    let need = 2;
    while (bytes.length - at >= 2 && sink.wantsMore) {
      const first = bytes[at]!;
      const second = bytes[at + 1]!;
      const code = first & 0x0f;
      const invalid = this.checkHeader(first, second, code, state, compression);
      if (invalid !== undefined) return invalid;
      let size = second & 0x7f;
      let header = 6;
      if (size === 126) {
        if (bytes.length - at < 4) {
          need = 4;
          break;
        }
        size = bytes.readUInt16BE(at + 2);
        if (size < 126) return protocolFault('length not in its shortest form');
        header = 8;
      } else if (size === 127) {
        if (bytes.length - at < 10) {
          need = 10;
          break;
        }
        const high = bytes.readUInt32BE(at + 2);
        size = high * 2 ** 32 + bytes.readUInt32BE(at + 6);
        if (high >= 2 ** 31 || size < 65_536) return protocolFault('length not in its shortest form');
        header = 14;
      }
      if (size + (state.fragments?.bytes ?? 0) > this.maxPayloadBytes && code < 8) {
        return fault(closeCode.messageTooBig, `a message may have ${this.maxPayloadBytes} bytes`);
      }
      const from = at + header;
      const to = from + size;
      if (to > bytes.length) {
        need = header + size;
        break;
      }
      unmask(bytes, from - 4, from, to);
      at = to;
      const failed =
        code >= 8
          ? this.control(code, bytes, from, to, sink)
          : this.data(first, code, bytes, from, to, state, sink);
      if (failed !== undefined) return failed;
    }
    if (at < bytes.length && sink.wantsMore) {
      // The copy lets go of the (64 KiB) slab that the read came in.
      const rest = Buffer.from(bytes.subarray(at));
      state.partial = { buffer: rest, bytes: rest.length, need };
    }
    return undefined;
  }

  private checkHeader(
    first: number,
    second: number,
    code: number,
    state: ReadState,
    compression: boolean,
  ): Fault | undefined {
    if ((second & 0x80) === 0) return protocolFault('client frames must be masked');
    if ((first & 0x30) !== 0) return protocolFault('reserved bits must be 0');
    if ((first & 0x40) !== 0 && (!compression || code === opcode.continuation || code >= 8)) {
      return protocolFault('RSV1 set without an extension that defines it');
    }
    if (code >= 8) {
      if (code > opcode.pong) return protocolFault('unknown opcode');
      if ((first & 0x80) === 0) return protocolFault('control frames must not be fragmented');
      if ((second & 0x7f) > maxControlBytes) return protocolFault('control frame too long');
      // A close code has two bytes: known to be wrong before the payload is there.
      if ((first & 0x0f) === 8 && (second & 0x7f) === 1) return protocolFault('close payload of one byte');
      return undefined;
    }
    if (code > opcode.binary) return protocolFault('unknown opcode');
    if (code === opcode.continuation) {
      return state.fragments === null ? protocolFault('continuation without a start') : undefined;
    }
    return state.fragments !== null ? protocolFault('new message inside a fragmented one') : undefined;
  }

  private control(code: number, bytes: Buffer, from: number, to: number, sink: FrameSink): Fault | undefined {
    if (code === opcode.ping) {
      sink.onPing(bytes.subarray(from, to));
      return undefined;
    }
    if (code === opcode.pong) {
      sink.onPong();
      return undefined;
    }
    if (to === from) {
      sink.onClose(1005, '');
      return undefined;
    }
    if (to - from === 1) return protocolFault('close frame with half a code');
    const closing = bytes.readUInt16BE(from);
    if (!isSendableCloseCode(closing)) return protocolFault('invalid close code');
    const reason = bytes.subarray(from + 2, to);
    if (!isUtf8(reason)) return fault(closeCode.invalidData, 'close reason is not UTF-8');
    sink.onClose(closing, reason.toString());
    return undefined;
  }

  private data(
    first: number,
    code: number,
    bytes: Buffer,
    from: number,
    to: number,
    state: ReadState,
    sink: FrameSink,
  ): Fault | undefined {
    const isFinal = (first & 0x80) !== 0;
    const { fragments } = state;
    if (isFinal && fragments === null) {
      return this.message(code, (first & 0x40) !== 0, bytes, from, to, sink);
    }
    const open: Fragments = fragments ?? { code, compressed: (first & 0x40) !== 0, chunks: [], bytes: 0 };
    // An endless row of empty fragments costs nothing in bytes, so it is bounded by count.
    if (open.chunks.length >= 16_384) return fault(closeCode.messageTooBig, 'too many fragments');
    open.chunks.push(Buffer.from(bytes.subarray(from, to)));
    open.bytes += to - from;
    state.fragments = open;
    if (!isFinal) return undefined;
    state.fragments = null;
    const whole = Buffer.concat(open.chunks);
    return this.message(open.code, open.compressed, whole, 0, whole.length, sink);
  }

  private message(
    code: number,
    compressed: boolean,
    bytes: Buffer,
    from: number,
    to: number,
    sink: FrameSink,
  ): Fault | undefined {
    if (compressed) {
      const inflated = sink.inflate(bytes.subarray(from, to), this.maxPayloadBytes);
      if (!Buffer.isBuffer(inflated)) return inflated;
      return this.message(code, false, inflated, 0, inflated.length, sink);
    }
    if (code === opcode.binary) {
      sink.onBinary(bytes, from, to);
      return undefined;
    }
    if (!isAscii(bytes, from, to) && !isUtf8(bytes.subarray(from, to))) {
      return fault(closeCode.invalidData, 'text is not UTF-8');
    }
    sink.onText(bytes, from, to);
    return undefined;
  }
}

function append(partial: Partial, chunk: Buffer): void {
  const bytes = partial.bytes + chunk.length;
  if (bytes > partial.buffer.length) {
    const grown = Buffer.allocUnsafe(bytes * 2);
    partial.buffer.copy(grown, 0, 0, partial.bytes);
    partial.buffer = grown;
  }
  chunk.copy(partial.buffer, partial.bytes);
  partial.bytes = bytes;
}

/** Short messages are looked at in place: a view and a native call cost more than they do. */
function isAscii(bytes: Buffer, from: number, to: number): boolean {
  if (to - from > 256) return false;
  let seen = 0;
  for (let i = from; i < to; i++) seen |= bytes[i]!;
  return seen < 0x80;
}
