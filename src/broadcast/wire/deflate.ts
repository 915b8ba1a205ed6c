import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';
import { closeCode } from '../protocol/close-codes.js';
import type { Fault } from './frame-reader.js';
import { deflateWindowBits } from './handshake.js';

/** What RFC 7692 cuts from the end of every deflated message. */
const tail = Buffer.from([0x00, 0x00, 0xff, 0xff]);

/** Messages above this go out as they are: deflating them would hold the event loop for longer than a slice. */
export const maxDeflateBytes = 128 * 1024;
/** What is deflated between two turns of the event loop, bytes (about 2 ms); the rest goes out as it is. */
const maxDeflateBytesPerTurn = 256 * 1024;
/** A deflated message may have no more than this when inflated (about half a millisecond). */
export const maxInflateBytes = 1024 * 1024;
/** Each costs a call, and takes two bytes to ask for. */
const maxFinalBlocks = 16;
/** What one connection may make this process inflate, bytes per second, and at once. */
const inflateBytesPerSecond = 8 * 1024 * 1024;
const inflateBurstBytes = 2 * inflateBytesPerSecond;

/**
 * Deflates messages without context, so that every client that negotiated it shares the bytes: a text that several lanes
 * send in one turn is deflated once. Runs on the event loop: one compressor at a time is the bound on memory (about
 * 40 kB) and on concurrency, a number of bytes per turn the bound on time.
 */
export class Deflater {
  private left = maxDeflateBytesPerTurn;
  private readonly done = new Map<string, Buffer>();
  private resetting: NodeJS.Immediate | null = null;

  /**
   * @param text what `payload` says
   * @returns `undefined` when this turn has deflated enough
   */
  deflate(text: string, payload: Buffer): Buffer | undefined {
    const known = this.done.get(text);
    if (known !== undefined) return known;
    if (payload.length > this.left) return undefined;
    this.left -= payload.length;
    this.resetting ??= setImmediate(() => this.reset());
    const deflated = deflateMessage(payload);
    this.done.set(text, deflated);
    return deflated;
  }

  private reset(): void {
    this.resetting = null;
    this.left = maxDeflateBytesPerTurn;
    this.done.clear();
  }
}

/** One whole message. */
export function deflateMessage(payload: Buffer): Buffer {
  const out = deflateRawSync(payload, {
    level: 3,
    windowBits: deflateWindowBits,
    memLevel: 6,
    flush: constants.Z_SYNC_FLUSH,
    finishFlush: constants.Z_SYNC_FLUSH,
  });
  return out.subarray(0, out.length - tail.length);
}

/** @returns the message, or why the connection must be closed */
export function inflateMessage(payload: Buffer, maxBytes: number): Buffer | Fault {
  const parts: Buffer[] = [];
  let left = Math.min(maxBytes, maxInflateBytes);
  let rest = Buffer.concat([payload, tail]);
  try {
    // What follows a final block belongs to the message too (RFC 7692, 7.2.3.4); zlib would leave it out in silence.
    for (let n = 0; rest.length > 0; n++) {
      if (n === maxFinalBlocks) return invalid;
      const { buffer, engine } = inflatePart(rest, left);
      parts.push(buffer);
      left -= buffer.length;
      rest = rest.subarray(engine.bytesWritten);
    }
  } catch (error) {
    return (error as { code?: unknown }).code === 'ERR_BUFFER_TOO_LARGE'
      ? { code: closeCode.messageTooBig.code, reason: 'inflated message too big' }
      : invalid;
  }
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
}

const invalid: Fault = { code: closeCode.invalidData.code, reason: 'message that cannot be inflated' };

/** With `info`, zlib's synchronous calls say how much they have read; their declared type does not. */
const inflatePart = (bytes: Buffer, maxBytes: number) =>
  inflateRawSync(bytes, {
    finishFlush: constants.Z_SYNC_FLUSH,
    // 0 would mean no limit at all.
    maxOutputLength: Math.max(1, maxBytes),
    info: true,
  }) as unknown as { readonly buffer: Buffer; readonly engine: { readonly bytesWritten: number } };

/** What one connection has made this process inflate: a kilobyte can ask for a megabyte. */
export class InflateBudget {
  private left = inflateBurstBytes;
  private filledMs = 0;

  /** @returns false when it is used up */
  spend(bytes: number, nowMs: number): boolean {
    if (this.filledMs > 0) {
      const earned = (Math.max(0, nowMs - this.filledMs) / 1_000) * inflateBytesPerSecond;
      this.left = Math.min(inflateBurstBytes, this.left + earned);
    }
    this.filledMs = nowMs;
    this.left -= bytes;
    return this.left >= 0;
  }
}
