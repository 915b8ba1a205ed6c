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

/** A part of an upload that is durable. */
export interface StoredPart {
  readonly rowCount: number;
  /** Of everything up to the end of the part. */
  readonly digest: Uint8Array;
}

export const keyReused = (): Problem =>
  new Problem(422, 'IDEMPOTENCY_KEY_REUSED', 'This Idempotency-Key was used with another body.');

/**
 * An upload that carries an `Idempotency-Key`. It is stored in parts, each of which leaves a mark in the transaction of
 * its rows. The bounds of the parts follow from the body alone, so a repetition meets the same parts and leaves out
 * those that have their mark.
 */
export class UploadKey {
  private readonly hash = createHash('sha256');
  private digested: Buffer | undefined;
  private storedParts: ReadonlyMap<number, StoredPart> = new Map();

  /**
   * @param scope what the key is unique in: the kind of row
   * @param format format of the body and its options; the same bytes read otherwise are another upload
   * @param mark the statement that records a part
   */
  constructor(
    readonly scope: string,
    readonly key: string,
    format: string,
    private readonly mark: (firstRow: number, part: StoredPart) => string,
  ) {
    this.hash.update(`${format}\n`);
  }

  /** What an earlier attempt has left behind. */
  resume(parts: ReadonlyMap<number, StoredPart>): void {
    this.storedParts = parts;
  }

  update(bytes: Uint8Array): void {
    this.hash.update(bytes);
    this.digested = undefined;
  }

  /** SHA-256 of the format and the body so far. */
  digest(): Buffer {
    this.digested ??= this.hash.copy().digest();
    return this.digested;
  }

  /**
   * @param firstRow number of the part's first row within the upload
   * @returns how many rows an earlier attempt has stored as this part, or `null`
   * @throws Problem 422 when that was another body
   */
  storedRows(firstRow: number): number | null {
    const part = this.storedParts.get(firstRow);
    if (part === undefined) return null;
    if (!this.digest().equals(part.digest)) throw keyReused();
    return part.rowCount;
  }

  /** The statement that is to commit together with the rows of a part that ends here. */
  alongside(firstRow: number, rowCount: number): string {
    return this.mark(firstRow, { rowCount, digest: this.digest() });
  }
}
