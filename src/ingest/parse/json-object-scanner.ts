/** Reads the members of the one JSON shape that a kind of row usually has. */
export interface MemberReader {
  reset(): void;
  /**
   * Reads the value of one member.
   * @param key offset of the key's first byte, `keyLength` bytes long
   * @param at offset of the value's first byte; behind the quote when `isText`
   * @returns the offset behind the value (before the closing quote when `isText`), or -1
   */
  read(buf: Uint8Array, key: number, keyLength: number, at: number, end: number, isText: boolean): number;
  /** Whether every required member has been read. */
  readonly complete: boolean;
}

const blank = 0x20;
const quote = 0x22;

/**
 * A flat object without escapes, its members separated by at most blanks.
 * @returns the offset behind its `}`, or -1 when the slow path has to decide
 */
export function scanObject(reader: MemberReader, buf: Uint8Array, at: number, end: number): number {
  reader.reset();
  if (at >= end || buf[at] !== 0x7b) return -1;
  let i = at + 1;
  while (i + 4 < end) {
    while (i < end && buf[i] === blank) i++;
    if (i >= end || buf[i] !== quote) return -1;
    const key = ++i;
    while (i < end && buf[i] !== quote) i++;
    const keyLength = i - key;
    i++;
    if (i >= end || buf[i] !== 0x3a) return -1;
    i++;
    while (i < end && buf[i] === blank) i++;
    if (i >= end) return -1;
    const isText = buf[i] === quote;
    i = reader.read(buf, key, keyLength, isText ? i + 1 : i, end, isText);
    if (i < 0 || i >= end) return -1;
    if (isText && buf[i++] !== quote) return -1;
    while (i < end && buf[i] === blank) i++;
    if (i >= end) return -1;
    const byte = buf[i++];
    if (byte === 0x7d) return reader.complete ? i : -1;
    if (byte !== 0x2c) return -1;
  }
  return -1;
}

/** Whether the bytes at `at` are this key; its length has been compared already. */
export function keyIs(buf: Uint8Array, at: number, key: string): boolean {
  for (let k = 0; k < key.length; k++) if (buf[at + k] !== key.charCodeAt(k)) return false;
  return true;
}
