import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { PoolClient } from 'pg';
import { Database } from './database.js';
import { isGone } from './presence.js';
import { literal } from './sql-literal.js';

/** A request without a sign of life for this long may be taken over by its repetition, whether its process lives or not. */
const abandonedAfterSeconds = 15;
/** Of a request that is not finished; `release` puts its last sign of life into the past. */
const abandoned = `(heartbeat_at < now() - interval '${abandonedAfterSeconds} seconds' OR ${isGone('holder')})`;
/** How often a running request has to show that it lives. */
export const heartbeatMs = 5_000;

/** Rows of an earlier attempt at the same request that are durable already. */
export interface DurablePart {
  /** Position in the request of the part's first row. */
  readonly firstIndex: number;
  readonly rowCount: number;
  /** Over the content of the part: another content means another body. */
  readonly digest: Uint8Array;
}

export type IdempotencyClaim =
  /** Ours to do; `parts` lists what an attempt that died has made durable. */
  | { readonly state: 'claimed'; readonly owner: string; readonly parts: readonly DurablePart[] }
  /** Another request with this key is under way. */
  | { readonly state: 'running' }
  /** Answered before. */
  | {
      readonly state: 'finished';
      readonly bodyDigest: Uint8Array;
      readonly status: number;
      readonly answer: unknown;
    };

interface FinishedRow {
  readonly body_digest: Buffer;
  readonly status: number;
  readonly answer: unknown;
}

/**
 * Idempotency keys that hold through a crash. The rows of a long request become durable in parts; each part is recorded
 * in the transaction of its rows ({@link partStatement}), so that the repetition of a request whose first attempt died
 * half-way stores exactly the rest.
 */
@Injectable()
export class IdempotencyRepository {
  constructor(private readonly database: Database) {}

  /** @param scope what the key belongs to: route and client */
  async claim(scope: string, key: string): Promise<IdempotencyClaim> {
    const owner = randomUUID();
    const { id } = this.database.presence;
    return this.database.writer.use(async (client) => {
      // Without a lock on a row that is there: its request may be in the middle of a commit.
      const fresh = await client.query({
        name: 'idempotency_claim',
        text: `INSERT INTO idempotency_keys (scope, key, owner, holder) VALUES ($1, $2, $3, $4)
         ON CONFLICT (scope, key) DO NOTHING`,
        values: [scope, key, owner, id],
      });
      if (fresh.rowCount === 1) return { state: 'claimed', owner, parts: [] };
      const { rows } = await client.query<Partial<FinishedRow> & { finished: boolean; abandoned: boolean }>(
        `SELECT finished_at IS NOT NULL AS finished, body_digest, status, answer, ${abandoned} AS abandoned
         FROM idempotency_keys WHERE scope = $1 AND key = $2`,
        [scope, key],
      );
      const found = rows[0];
      if (found?.finished) {
        const { body_digest, status, answer } = found as FinishedRow;
        return { state: 'finished', bodyDigest: body_digest, status, answer };
      }
      if (!found?.abandoned) return { state: 'running' };
      return this.takeOver(client, scope, key, owner);
    });
  }

  /** Whether a claim would now be answered with something else than `running`. */
  async isDecided(scope: string, key: string): Promise<boolean> {
    const { rows } = await this.database.reader.query<{ decided: boolean }>({
      name: 'idempotency_decided',
      text: `SELECT finished_at IS NOT NULL OR ${abandoned} AS decided
        FROM idempotency_keys WHERE scope = $1 AND key = $2`,
      values: [scope, key],
    });
    // A row that is gone has outlived its keeping; its key is free.
    return rows[0]?.decided ?? true;
  }

  /** Shows that a claimed request lives. @returns false when it has been taken over or released: stop */
  async heartbeat(scope: string, key: string, owner: string): Promise<boolean> {
    const { rowCount } = await this.database.writer.query(
      `UPDATE idempotency_keys SET heartbeat_at = now()
       WHERE scope = $1 AND key = $2 AND owner = $3 AND heartbeat_at > '-infinity'`,
      [scope, key, owner],
    );
    return rowCount === 1;
  }

  /** Records the answer that every repetition gets. @returns false when the request has been taken over */
  async finish(
    scope: string,
    key: string,
    owner: string,
    outcome: { readonly bodyDigest: Uint8Array; readonly status: number; readonly answer: unknown },
  ): Promise<boolean> {
    const { rows } = await this.database.writer.query<{ done: boolean }>({
      name: 'idempotency_finish',
      // The answer says all that the parts said.
      text: `WITH done AS (
          UPDATE idempotency_keys SET finished_at = now(), body_digest = $4, status = $5, answer = $6
          WHERE scope = $1 AND key = $2 AND owner = $3 AND finished_at IS NULL RETURNING scope, key),
        gone AS (DELETE FROM idempotency_parts p USING done WHERE p.scope = done.scope AND p.key = done.key)
        SELECT EXISTS (SELECT FROM done) AS done`,
      values: [scope, key, owner, outcome.bodyDigest, outcome.status, JSON.stringify(outcome.answer)],
    });
    return rows[0]?.done ?? false;
  }

  /**
   * Lets go of a request that failed: at once repeatable. What it has made durable stays known.
   */
  async release(scope: string, key: string, owner: string): Promise<void> {
    await this.database.writer.query(
      `UPDATE idempotency_keys SET heartbeat_at = '-infinity'
       WHERE scope = $1 AND key = $2 AND owner = $3 AND finished_at IS NULL`,
      [scope, key, owner],
    );
  }

  /**
   * The statement that records a part; for `append(rows, { alongside })`. When the request has been taken over by its
   * repetition, it fails and the rows with it: the append rejects with Problem 409 `REQUEST_TAKEN_OVER`.
   */
  partStatement(scope: string, key: string, owner: string, part: DurablePart): string {
    const digest = `'\\x${Buffer.from(part.digest).toString('hex')}'`;
    return `SELECT record_idempotency_part(${literal(scope)}, ${literal(key)}, ${literal(owner)}, ${part.firstIndex}, ${part.rowCount}, ${digest})`;
  }

  private async takeOver(
    client: PoolClient,
    scope: string,
    key: string,
    owner: string,
  ): Promise<IdempotencyClaim> {
    // Waits for a part that is being committed: it is one of ours afterwards, or gone.
    const { rowCount } = await client.query(
      `UPDATE idempotency_keys SET owner = $3, holder = $4, heartbeat_at = now()
       WHERE scope = $1 AND key = $2 AND finished_at IS NULL AND ${abandoned}`,
      [scope, key, owner, this.database.presence.id],
    );
    if (rowCount === 0) return { state: 'running' };
    const { rows } = await client.query<{ first_index: string; row_count: number; digest: Buffer }>(
      `SELECT first_index, row_count, digest FROM idempotency_parts
       WHERE scope = $1 AND key = $2 ORDER BY first_index`,
      [scope, key],
    );
    const parts = rows.map((r) => ({
      firstIndex: Number(r.first_index),
      rowCount: r.row_count,
      digest: r.digest,
    }));
    return { state: 'claimed', owner, parts };
  }
}
