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

/** Rows of an upload that became durable together. */
export interface UploadPart {
  /** Number of its first row within the upload. */
  readonly firstIndex: number;
  readonly rowCount: number;
  /** Of everything up to its end. */
  readonly digest: Uint8Array;
}

/** What is known of the parts of an upload. */
export interface UploadParts {
  /** Those that an earlier attempt has stored. */
  readonly stored: readonly UploadPart[];
  /** The statement that records one. */
  statement(part: UploadPart): string;
}

const noParts: UploadParts = {
  stored: [],
  statement: () => {
    throw new Error('this upload is only compared');
  },
};

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
  private readonly stored: ReadonlyMap<number, UploadPart>;

  /** @param format format of the body and its options; the same bytes read otherwise are another upload */
  constructor(
    format: string,
    private readonly parts: UploadParts = noParts,
  ) {
    this.stored = new Map(parts.stored.map((part) => [part.firstIndex, part]));
    this.hash.update(`${format}\n`);
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
    const part = this.stored.get(firstRow);
    if (part === undefined) return null;
    if (!this.digest().equals(part.digest)) throw keyReused();
    return part.rowCount;
  }

  /** The statement that is to commit together with the rows of a part that ends here. */
  alongside(firstRow: number, rowCount: number): string {
    return this.parts.statement({ firstIndex: firstRow, rowCount, digest: this.digest() });
  }
}
