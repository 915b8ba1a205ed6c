/** RFC 6455 opcodes that this server sends or accepts. */
export const opcode = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** Largest payload of a control frame (RFC 6455, 5.5). */
export const maxControlBytes = 125;

const fin = 0x80;
const rsv1 = 0x40;

/** Bytes of an unmasked frame header for a payload of that size. */
export const headerBytes = (payloadBytes: number): number =>
  payloadBytes < 126 ? 2 : payloadBytes < 65_536 ? 4 : 10;

/** Writes an unmasked, final frame header. @returns the position after it */
export function writeHeader(
  target: Buffer,
  at: number,
  code: number,
  payloadBytes: number,
  compressed = false,
): number {
  target[at] = fin | (compressed ? rsv1 : 0) | code;
  if (payloadBytes < 126) {
    target[at + 1] = payloadBytes;
    return at + 2;
  }
  if (payloadBytes < 65_536) {
    target[at + 1] = 126;
    target[at + 2] = payloadBytes >>> 8;
    target[at + 3] = payloadBytes & 0xff;
    return at + 4;
  }
  target[at + 1] = 127;
  target.writeUInt32BE(Math.floor(payloadBytes / 2 ** 32), at + 2);
  target.writeUInt32BE(payloadBytes >>> 0, at + 6);
  return at + 10;
}

/** One unmasked text frame. */
export function textFrame(text: string): Buffer {
  return textFrames([text]);
}

/** The frames of several text messages in one buffer, in order: what one write carries. */
export function textFrames(texts: readonly string[]): Buffer {
  const lengths = new Array<number>(texts.length);
  let total = 0;
  for (let i = 0; i < texts.length; i++) {
    const bytes = Buffer.byteLength(texts[i]!);
    lengths[i] = bytes;
    total += headerBytes(bytes) + bytes;
  }
  const out = Buffer.allocUnsafe(total);
  let at = 0;
  for (let i = 0; i < texts.length; i++) {
    at = writeHeader(out, at, opcode.text, lengths[i]!);
    at += out.write(texts[i]!, at);
  }
  return out;
}

/** One unmasked frame with that payload. */
export function frame(code: number, payload: Buffer, compressed = false): Buffer {
  const out = Buffer.allocUnsafe(headerBytes(payload.length) + payload.length);
  payload.copy(out, writeHeader(out, 0, code, payload.length, compressed));
  return out;
}

/**
 * A close frame. The reason is cut to what a control frame can hold (123 bytes), at a character boundary.
 */
export function closeFrame(code: number, reason = ''): Buffer {
  let bytes = Buffer.from(reason);
  if (bytes.length > maxControlBytes - 2) {
    let end = maxControlBytes - 2;
    while (end > 0 && (bytes[end]! & 0xc0) === 0x80) end--;
    bytes = bytes.subarray(0, end);
  }
  const payload = Buffer.allocUnsafe(2 + bytes.length);
  payload.writeUInt16BE(code, 0);
  bytes.copy(payload, 2);
  return frame(opcode.close, payload);
}

/** XORs `bytes[from, to)` with the four mask bytes that stand at `mask`, in place. */
export function unmask(bytes: Buffer, mask: number, from: number, to: number): void {
  const k0 = bytes[mask]!;
  const k1 = bytes[mask + 1]!;
  const k2 = bytes[mask + 2]!;
  const k3 = bytes[mask + 3]!;
  let i = from;
  const whole = from + ((to - from) & ~3);
  for (; i < whole; i += 4) {
    bytes[i]! ^= k0;
    bytes[i + 1]! ^= k1;
    bytes[i + 2]! ^= k2;
    bytes[i + 3]! ^= k3;
  }
  if (i < to) bytes[i]! ^= k0;
  if (i + 1 < to) bytes[i + 1]! ^= k1;
  if (i + 2 < to) bytes[i + 2]! ^= k2;
}
