import type { Encoding } from './receiver.js';
import { Deflater, maxDeflateBytes } from './wire/deflate.js';
import { headerBytes, opcode, textFrames, writeHeader } from './wire/frames.js';

/** Messages below this are sent as they are: deflating them costs more than it saves, bytes. */
export const deflateThresholdBytes = 1_024;

/** One message for the wire, and the position that whoever has it can resume from. */
export interface Outgoing {
  readonly text: string;
  readonly topic: string;
  readonly offset: number;
  /** Only where it is another than before. */
  readonly epoch?: string;
}

/** What deflating did, for the metrics. */
export interface DeflateStats {
  deflated(bytesIn: number, bytesOut: number): void;
}

const nothing = Buffer.alloc(0);
/** One for the process: the event loop that it must not hold up is one, too. */
const deflater = new Deflater();

/** The bytes of several messages, made once and shared by every receiver with that encoding. */
export function encode(messages: readonly Outgoing[], encoding: Encoding, stats: DeflateStats): Buffer {
  if (encoding === 'text') return textFrames(messages.map((message) => message.text));
  // Each event stream writes its own: an event's id says where all of the stream's topics stand.
  if (encoding === 'sse') return nothing;
  return deflatedFrames(
    messages.map((message) => message.text),
    stats,
  );
}

/** Text frames of which those above the threshold are deflated. */
export function deflatedFrames(texts: readonly string[], stats: DeflateStats): Buffer {
  const frames: { payload: Buffer; compressed: boolean }[] = [];
  let total = 0;
  for (const text of texts) {
    let payload: Buffer = Buffer.from(text);
    let compressed = false;
    if (payload.length >= deflateThresholdBytes && payload.length <= maxDeflateBytes) {
      const smaller = deflater.deflate(text, payload);
      if (smaller !== undefined) stats.deflated(payload.length, smaller.length);
      if (smaller !== undefined && smaller.length < payload.length) {
        payload = smaller;
        compressed = true;
      }
    }
    frames.push({ payload, compressed });
    total += headerBytes(payload.length) + payload.length;
  }
  const out = Buffer.allocUnsafe(total);
  let at = 0;
  for (const { payload, compressed } of frames) {
    at = writeHeader(out, at, opcode.text, payload.length, compressed);
    at += payload.copy(out, at);
  }
  return out;
}
