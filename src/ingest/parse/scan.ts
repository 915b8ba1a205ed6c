import { civilToMs } from './timestamp.js';

/**
 * Byte-level readers of the common shapes. Each takes the offset of its first byte and returns the offset behind its
 * last one, or -1 for "not this shape": then the slow path decides. None reads at or beyond `end`, and none accepts a
 * value that ends exactly there, since the next chunk may continue it.
 */

/** Where the readers leave numbers: a typed array, so that no heap number is made per value. */
export const scanned = new Float64Array(1);

const powersOfTen = Float64Array.from({ length: 23 }, (_, i) => Number(`1e${i}`));

/**
 * A decimal number of at most 15 digits without exponent → {@link scanned}`[0]`. Both the digits as an integer
 * (< 2^53) and the power of ten (≤ 10^22) are exact, so the one division rounds correctly: the result is what
 * `Number(text)` gives (Clinger, 1990).
 */
export function scanNumber(buf: Uint8Array, at: number, end: number): number {
  let i = at;
  const negative = i < end && buf[i] === 0x2d;
  if (negative) i++;
  const start = i;
  let mantissa = 0;
  let byte = 0;
  while (i < end) {
    byte = buf[i]!;
    if (byte < 0x30 || byte > 0x39) break;
    mantissa = mantissa * 10 + (byte - 0x30);
    i++;
  }
  const whole = i - start;
  if (whole === 0 || whole > 15 || i >= end || (whole > 1 && buf[start] === 0x30)) return -1;
  if (byte !== 0x2e) {
    if (byte === 0x65 || byte === 0x45) return -1;
    scanned[0] = negative ? -mantissa : mantissa;
    return i;
  }
  const point = i++;
  while (i < end) {
    byte = buf[i]!;
    if (byte < 0x30 || byte > 0x39) break;
    mantissa = mantissa * 10 + (byte - 0x30);
    i++;
  }
  const fraction = i - point - 1;
  if (
    fraction === 0 ||
    whole + fraction > 15 ||
    i >= end ||
    byte === 0x65 ||
    byte === 0x45 ||
    byte === 0x2e
  ) {
    return -1;
  }
  const value = mantissa / powersOfTen[fraction]!;
  scanned[0] = negative ? -value : value;
  return i;
}

const two = (buf: Uint8Array, i: number): number => {
  const tens = buf[i]! - 0x30;
  const ones = buf[i + 1]! - 0x30;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : Number.NaN;
};

/** `2013-10-07T14:00:00[.123456789]Z` → Unix ms in {@link scanned}`[0]`. Other ISO 8601 forms take the slow path. */
export function scanIso(buf: Uint8Array, at: number, end: number): number {
  if (
    at + 21 > end ||
    buf[at + 4] !== 0x2d ||
    buf[at + 7] !== 0x2d ||
    buf[at + 10] !== 0x54 ||
    buf[at + 13] !== 0x3a ||
    buf[at + 16] !== 0x3a
  ) {
    return -1;
  }
  let i = at + 19;
  let nanos = 0;
  if (buf[i] === 0x2e) {
    let digits = 0;
    for (i++; i < end; i++, digits++) {
      const byte = buf[i]!;
      if (byte < 0x30 || byte > 0x39) break;
      nanos = nanos * 10 + (byte - 0x30);
    }
    if (digits === 0 || digits > 9) return -1;
    nanos *= powersOfTen[9 - digits]!;
  }
  if (i + 1 >= end || buf[i] !== 0x5a) return -1;
  const year = two(buf, at) * 100 + two(buf, at + 2);
  const ms = civilToMs(
    year,
    two(buf, at + 5),
    two(buf, at + 8),
    two(buf, at + 11),
    two(buf, at + 14),
    two(buf, at + 17),
    nanos,
  );
  if (Number.isNaN(ms)) return -1;
  scanned[0] = ms;
  return i + 1;
}

/** 1 for every byte that the pattern (a class of ASCII characters) allows. */
export function byteClass(pattern: RegExp): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) =>
    byte < 128 && pattern.test(String.fromCharCode(byte)) ? 1 : 0,
  );
}

/** Power of two. */
const internSlots = 4_096;

/**
 * Reads short identifiers from a closed character class and gives equal ones the same string object: a feed repeats a
 * few thousand symbols a million times. Bounded: a slot holds one string, a collision replaces it.
 */
export class IdentifierScanner {
  /** The identifier that the last successful {@link scan} read. */
  text = '';
  private readonly slots: string[] = new Array<string>(internSlots).fill('');

  constructor(
    private readonly allowed: Uint8Array,
    private readonly maxLength: number,
  ) {}

  scan(buf: Uint8Array, at: number, end: number): number {
    const allowed = this.allowed;
    let i = at;
    let hash = 0;
    while (i < end) {
      const byte = buf[i]!;
      if (allowed[byte] === 0) break;
      hash = (Math.imul(hash, 31) + byte) | 0;
      i++;
    }
    const length = i - at;
    if (length === 0 || length > this.maxLength || i >= end) return -1;
    const slot = (hash ^ (hash >>> 12)) & (internSlots - 1);
    const known = this.slots[slot]!;
    if (known.length === length && equals(known, buf, at)) {
      this.text = known;
      return i;
    }
    let text = '';
    for (let k = at; k < i; k++) text += String.fromCharCode(buf[k]!);
    this.slots[slot] = text;
    this.text = text;
    return i;
  }
}

function equals(text: string, buf: Uint8Array, at: number): boolean {
  for (let k = 0; k < text.length; k++) if (text.charCodeAt(k) !== buf[at + k]) return false;
  return true;
}
