import { randomInt } from 'node:crypto';
import pg from 'pg';

/** First half of the advisory locks by which processes say that they live. */
const lockClass = 7_316_119;
const reconnectMs = 500;
const connectTimeoutMs = 5_000;
const keepAliveDelayMs = 30_000;

/** SQL: true where the process that `holder` names (a column with a {@link Presence.id}) is gone. */
export const isGone = (holder: string): string => `${holder} IS NOT NULL AND NOT EXISTS (
  SELECT FROM pg_locks WHERE locktype = 'advisory' AND classid = ${lockClass} AND objid = ${holder}::oid AND objsubid = 2
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))`;

/**
 * Tells the other processes on the same database that this one lives: a connection that does nothing but hold an
 * advisory lock, which the server takes back the moment the connection is gone. A hint and no more: whoever acts on it
 * has to be safe against a process that only seemed dead.
 */
export class Presence {
  /** Under which others ask for this process. */
  readonly id = randomInt(1, 2 ** 31);
  private client: pg.Client | undefined;
  private timer: NodeJS.Timeout | undefined;
  private closed = false;

  private constructor(private readonly url: string) {}

  /** @throws what `pg` throws when there is no connection; one that is lost later is made again */
  static async open(url: string): Promise<Presence> {
    const presence = new Presence(url);
    try {
      await presence.connect();
    } catch (error) {
      await presence.close();
      throw error;
    }
    return presence;
  }

  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.timer);
    await this.client?.end();
  }

  private async connect(): Promise<void> {
    const client = new pg.Client({
      connectionString: this.url,
      application_name: 'tidewatch presence',
      connectionTimeoutMillis: connectTimeoutMs,
      keepAlive: true,
      keepAliveInitialDelayMillis: keepAliveDelayMs,
    });
    this.client = client;
    // Whatever breaks it, and a connection that could not be made: `end` follows.
    client.on('error', () => undefined);
    client.once('end', () => this.reconnect());
    await client.connect();
    // Shared: where the server still believes in the connection before, this one need not wait for it.
    await client.query('SELECT pg_advisory_lock_shared($1, $2)', [lockClass, this.id]);
  }

  private reconnect(): void {
    if (this.closed) return;
    this.timer = setTimeout(() => {
      this.connect().catch(() => this.client?.end());
    }, reconnectMs);
  }
}
