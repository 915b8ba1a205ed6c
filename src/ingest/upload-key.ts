import { createHash } from 'node:crypto';
import { Problem } from '../domain/problem.js';

/** Printable ASCII, as a header carries it. */
const keyPattern = /^[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?$/;

/**
 * An `Idempotency-Key` header.
 * @throws Problem 400 when it is not 1 to 255 printable characters
 */
export function readIdempotencyKey(header: string | readonly string[] | undefined): string | undefined {
  if (header === undefined) return undefined;
  if (typeof header !== 'string' || !keyPattern.test(header)) {
    throw new Problem(
      400,
      'INVALID_IDEMPOTENCY_KEY',
      'Idempotency-Key is to be 1 to 255 printable ASCII characters.',
    );
  }
  // The draft standard writes it as a quoted string; both spellings mean the same key.
  return /^"[^"\\]+"$/.test(header) ? header.slice(1, -1) : header;
}

/**
 * The identity of an upload that carries an `Idempotency-Key`. Every batch of it gets a name that follows from the key
 * and from all bytes up to the batch's end: a repetition of the upload names its batches the same, and the store keeps a
 * batch of a name once.
 */
export class UploadKey {
  private readonly hash = createHash('sha256');
  private digested: Buffer | undefined;

  /**
   * @param scope what the key is unique in: the kind of row
   * @param format format of the body and its options; the same bytes read otherwise are another upload
   */
  constructor(
    readonly scope: string,
    readonly key: string,
    readonly format: string,
  ) {}

  update(bytes: Uint8Array): void {
    this.hash.update(bytes);
    this.digested = undefined;
  }

  /** SHA-256 of the body so far. */
  digest(): Buffer {
    this.digested ??= this.hash.copy().digest();
    return this.digested;
  }

  /** The name of a batch that ends here, as a UUID (version 8). */
  batchId(part: number): string {
    const name = createHash('sha256')
      .update(JSON.stringify([this.scope, this.key, this.format, part]))
      .update(this.digest())
      .digest();
    name[6] = (name[6]! & 0x0f) | 0x80;
    name[8] = (name[8]! & 0x3f) | 0x80;
    const hex = name.toString('hex', 0, 16);
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
  }
}
