import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';
import { deflateWindowBits } from './handshake.js';

/** What RFC 7692 cuts from the end of every deflated message. */
const tail = Buffer.from([0x00, 0x00, 0xff, 0xff]);

/** Messages above this go out as they are: deflating them would hold the event loop for longer than a slice. */
export const maxDeflateBytes = 128 * 1024;

/**
 * One whole message deflated without context, so that every client that negotiated it can share the bytes. Runs on
 * the event loop: one compressor at a time is the bound on memory (about 40 kB) and on concurrency.
 */
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

/** @returns the message; `null` when it is invalid or larger than `maxBytes` */
export function inflateMessage(payload: Buffer, maxBytes: number): Buffer | null {
  try {
    return inflateRawSync(Buffer.concat([payload, tail]), {
      finishFlush: constants.Z_SYNC_FLUSH,
      maxOutputLength: maxBytes,
    });
  } catch {
    // zlib throws for both; the connection is closed either way.
    return null;
  }
}
