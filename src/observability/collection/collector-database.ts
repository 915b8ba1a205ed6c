import { Pool, type PoolClient } from 'pg';
import type { CollectorDatabase } from './collector.js';
import type { CostMeter } from './cost-meter.js';

/** Two connections for all collectors together: enough that one slow collector does not stall the others for long. */
const maxConnections = 2;
/** A query of a collector waits this long for a lock at most: watching must never queue up behind a migration. */
const lockTimeoutMs = 500;

/**
 * The collectors' own small pool. Apart from the application's pools, so that collectors still see when those are
 * exhausted, and can never exhaust them. Read-only, with lock and statement timeouts.
 */
export class CollectorPool {
  private readonly pool: Pool;
  /** The statement timeout last set on each connection. */
  private readonly timeouts = new WeakMap<PoolClient, number>();

  constructor(connectionString: string, onError: (error: Error) => void) {
    this.pool = new Pool({
      connectionString,
      max: maxConnections,
      // Collectors come every few seconds; a server's connection slot is not held for slower ones.
      idleTimeoutMillis: 30_000,
      connectionTimeoutMillis: 5_000,
      application_name: 'tidewatch-collectors',
      options: `-c default_transaction_read_only=on -c lock_timeout=${lockTimeoutMs} -c jit=off`,
      allowExitOnIdle: true,
    });
    this.pool.on('error', onError);
  }

  /** The pool as one run sees it: charged to `meter`, over when `signal` says so or `deadlineMs` (Unix ms) has come. */
  forRun(meter: CostMeter, signal: AbortSignal, deadlineMs: number): CollectorDatabase {
    return {
      query: <Row extends object>(sql: string, parameters: readonly unknown[] = []) =>
        meter.charge(this.query<Row>(sql, parameters, meter, signal, deadlineMs)),
    };
  }

  end(): Promise<void> {
    return this.pool.end();
  }

  private async query<Row extends object>(
    sql: string,
    parameters: readonly unknown[],
    meter: CostMeter,
    signal: AbortSignal,
    deadlineMs: number,
  ): Promise<readonly Row[]> {
    meter.refuseRunaway();
    signal.throwIfAborted();
    const client = await this.pool.connect();
    let broken: Error | undefined;
    // Destroys the connection: an aborted run must not wait for its query, nor leave it to the next borrower.
    const abort = () => {
      broken = new Error('the run is over');
      client.release(broken);
    };
    try {
      signal.throwIfAborted();
      signal.addEventListener('abort', abort, { once: true });
      const start = performance.now();
      try {
        await this.limit(client, Math.max(1, Math.ceil((deadlineMs - Date.now()) / 100) * 100));
        const { rows } = await client.query<Row>(sql, [...parameters]);
        return rows;
      } finally {
        meter.cost.dbMs += performance.now() - start;
      }
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    } finally {
      signal.removeEventListener('abort', abort);
      if (broken === undefined) client.release();
    }
  }

  private async limit(client: PoolClient, timeoutMs: number): Promise<void> {
    const known = this.timeouts.get(client);
    // Looser by less than a quarter is not worth a round trip: the run's own timeout is exact.
    if (known !== undefined && known >= timeoutMs * 0.75 && known <= timeoutMs * 1.25) return;
    await client.query(`SET statement_timeout = ${timeoutMs}`);
    this.timeouts.set(client, timeoutMs);
  }
}
