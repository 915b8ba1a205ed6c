import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { z } from 'zod';
import { readDocument } from '../domain/read-document.js';
import { StartupError } from '../startup-error.js';
import { Authorizer, type RevocationListener } from './authorizer.js';
import { type Principal, scopes } from './principal.js';

/** How often the file is looked at; with this a revoked key is gone well within a second. */
const pollMs = 250;

const keySchema = z.strictObject({
  id: z.string().regex(/^[A-Za-z0-9_.-]{1,64}$/, 'must be 1 to 64 letters, digits, _ . or -'),
  /** `sha256:` and the hex digest of the key. */
  hash: z.string().regex(/^sha256:[0-9a-f]{64}$/, 'must be sha256: and 64 hexadecimal digits in lower case'),
  scopes: z.array(z.enum(scopes)).min(1),
  portfolios: z.array(z.string().min(1).max(64)).optional(),
  expires_at: z.iso.datetime({ offset: true }).optional(),
});

const fileSchema = z
  .strictObject({ keys: z.array(keySchema).min(1).max(10_000) })
  .superRefine(({ keys }, context) => {
    const ids = new Set<string>();
    keys.forEach(({ id }, i) => {
      if (ids.has(id))
        context.addIssue({
          code: 'custom',
          path: ['keys', i, 'id'],
          message: 'must not be the id of another key',
        });
      ids.add(id);
    });
  });

interface Key {
  readonly hash: string;
  readonly principal: Principal;
}

/** What a key file holds: `{keys: [{id, hash, scopes, portfolios?, expires_at?}]}`. @throws Error saying what is wrong */
export function readKeys(text: string): ReadonlyMap<string, Key> {
  const { keys } = readDocument(fileSchema, text, 'JSON');
  return new Map(
    keys.map((key) => [
      key.hash,
      {
        hash: key.hash,
        principal: {
          id: key.id,
          scopes: new Set(key.scopes),
          portfolios: key.portfolios === undefined ? null : new Set(key.portfolios),
          expiresAtMs: key.expires_at === undefined ? null : Date.parse(key.expires_at),
        },
      },
    ]),
  );
}

/** The hash of a key as the file has it. Keys are long and random, so a plain digest cannot be searched. */
export const hashKey = (key: string): string => `sha256:${createHash('sha256').update(key).digest('hex')}`;

/**
 * Keys from a file that is watched: a key that is removed, or whose hash, scopes or portfolios change, is revoked at
 * once. A file that cannot be read any more, or is wrong, changes nothing and is reported.
 */
export class KeyFileAuthorizer extends Authorizer {
  readonly isOpen = false;
  private keys: ReadonlyMap<string, Key>;
  private stamp: string;
  private readonly listeners = new Set<RevocationListener>();
  private readonly expired = new Set<string>();
  private readonly timer: NodeJS.Timeout;

  /** @throws StartupError when the file cannot be read or is wrong */
  constructor(
    private readonly path: string,
    private readonly onProblem: (error: unknown) => void,
    private readonly nowMs: () => number = Date.now,
  ) {
    super();
    try {
      this.stamp = this.fileStamp();
      this.keys = readKeys(readFileSync(path, 'utf8'));
    } catch (error) {
      throw this.wrong(error);
    }
    this.timer = setInterval(() => this.look(), pollMs).unref();
  }

  override authenticate(token: string | null): Principal | undefined {
    if (token === null || token.length > 512) return undefined;
    const principal = this.keys.get(hashKey(token))?.principal;
    if (principal === undefined || this.isExpired(principal)) return undefined;
    return principal;
  }

  override onRevoked(listener: RevocationListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  close(): void {
    clearInterval(this.timer);
  }

  private isExpired({ expiresAtMs }: Principal): boolean {
    return expiresAtMs !== null && expiresAtMs <= this.nowMs();
  }

  private fileStamp(): string {
    const { mtimeMs, size, ino } = statSync(this.path);
    return `${mtimeMs}|${size}|${ino}`;
  }

  private look(): void {
    try {
      const stamp = this.fileStamp();
      if (stamp !== this.stamp) {
        this.stamp = stamp;
        this.replace(readKeys(readFileSync(this.path, 'utf8')));
      }
    } catch (error) {
      this.onProblem(this.wrong(error));
    }
    this.expire();
  }

  private wrong(error: unknown): StartupError {
    return new StartupError(`API_KEYS: ${this.path}: ${error instanceof Error ? error.message : error}`);
  }

  private replace(next: ReadonlyMap<string, Key>): void {
    const gone = new Set<string>();
    for (const [hash, { principal }] of this.keys) {
      if (!sameRights(principal, next.get(hash)?.principal)) gone.add(principal.id);
    }
    this.keys = next;
    this.expired.clear();
    this.tell(gone, 'revoked');
  }

  private expire(): void {
    const gone = new Set<string>();
    for (const { principal } of this.keys.values()) {
      if (!this.isExpired(principal) || this.expired.has(principal.id)) continue;
      this.expired.add(principal.id);
      gone.add(principal.id);
    }
    this.tell(gone, 'expired');
  }

  private tell(ids: ReadonlySet<string>, why: 'revoked' | 'expired'): void {
    if (ids.size > 0) for (const listener of this.listeners) listener(ids, why);
  }
}

/** A later or earlier end alone revokes nothing: the clock does. */
function sameRights(a: Principal, b: Principal | undefined): boolean {
  const list = (set: ReadonlySet<string> | null): string => (set === null ? '*' : [...set].sort().join());
  return (
    b !== undefined &&
    a.id === b.id &&
    list(a.scopes) === list(b.scopes) &&
    list(a.portfolios) === list(b.portfolios)
  );
}
