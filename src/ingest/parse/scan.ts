import { civilToMs } from './timestamp.js';

/**
 * Byte-level readers of the common shapes. Each takes the offset of its first byte and returns the offset behind its
 * last one, or -1 for "not this shape": then the slow path decides. None reads at or beyond `end`, and none accepts a
 * value that ends exactly there, since the next chunk may continue it.
 */

/** Where the readers leave numbers: a typed array, so that no heap number is made per value. */
export const scanned = new Float64Array(1);

const { latin1Slice } = Buffer.prototype;
const powersOfTen = Float64Array.from({ length: 23 }, (_, i) => Number(`1e${i}`));

/** Longer numbers are left to the slow path. */
const maxNumberLength = 40;

/**
 * A decimal number without exponent → {@link scanned}`[0]`, the one that `Number(text)` gives. Up to 15 digits, both the
 * digits as an integer (< 2^53) and the power of ten (≤ 10^22) are exact, so that the one division rounds correctly
 * (Clinger, 1990). More of them, as a computed price has, are read by the engine.
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
  let digits = i - start;
  if (digits === 0 || i >= end || (digits > 1 && buf[start] === 0x30)) return -1;
  let fraction = 0;
  if (byte === 0x2e) {
    const point = i++;
    while (i < end) {
      byte = buf[i]!;
      if (byte < 0x30 || byte > 0x39) break;
      mantissa = mantissa * 10 + (byte - 0x30);
      i++;
    }
    fraction = i - point - 1;
    if (fraction === 0 || i >= end || byte === 0x2e) return -1;
    digits += fraction;
  }
  if (byte === 0x65 || byte === 0x45 || i - at > maxNumberLength) return -1;
  if (digits > 15) scanned[0] = Number(latin1Slice.call(buf, at, i));
  else {
    const value = fraction === 0 ? mantissa : mantissa / powersOfTen[fraction]!;
    scanned[0] = negative ? -value : value;
  }
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

/** Power of two; 256 kB. */
const internSlots = 32_768;

/**
 * Reads short identifiers from a closed character class and gives equal ones the same string object: a feed repeats a
 * few thousand symbols a million times, and whatever looks one up then has its hash already. One for the process and kind
 * of name, as most requests are too small to repeat anything. Bounded: a slot holds one string, a collision replaces it.
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
