import { maxRowBytes } from './push-parser.js';

/** Holds the beginning of a record that the next chunk continues; bounded by {@link maxRowBytes}. */
export class Carry {
  length = 0;
  /** Grows to what the longest unfinished record has needed. */
  private buffer = Buffer.allocUnsafe(1_024);

  /** @returns false when the record has become too long; then nothing is held any more */
  append(chunk: Uint8Array, from: number, to: number): boolean {
    const length = this.length + (to - from);
    if (length > maxRowBytes) {
      this.length = 0;
      return false;
    }
    if (length > this.buffer.length) {
      const grown = Buffer.allocUnsafe(Math.min(maxRowBytes, Math.max(length, this.buffer.length * 2)));
      this.buffer.copy(grown, 0, 0, this.length);
      this.buffer = grown;
    }
    this.buffer.set(chunk.subarray(from, to), this.length);
    this.length = length;
    return true;
  }

  /** What is held; valid until the next {@link append}. The carry is empty afterwards. */
  take(): Buffer {
    const bytes = this.buffer.subarray(0, this.length);
    this.length = 0;
    return bytes;
  }
}
