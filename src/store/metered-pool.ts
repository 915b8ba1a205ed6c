import pg, { type PoolClient, type QueryConfig, type QueryResult, type QueryResultRow } from 'pg';
import {
  type PoolName,
  poolAcquireTimeouts,
  poolAcquireWait,
  poolConnectionErrors,
  poolConnectionsOpened,
} from '../observability/catalogue/store.js';
import type { CounterHandle, HistogramHandle, Metrics } from '../observability/metrics.js';
import { RollingWindow } from '../observability/rolling-window.js';
import { asProblem } from './database-problem.js';

export interface MeteredPoolOptions {
  readonly name: PoolName;
  readonly url: string;
  readonly max: number;
  readonly acquireTimeoutMs: number;
  /** Longest statement, ms; 0 is without limit. */
  readonly statementTimeoutMs: number;
  readonly lockTimeoutMs: number;
}

/** What `GET /api/v1/ops/pool` and the pool collector show. */
export interface PoolSnapshot {
  readonly name: PoolName;
  readonly max: number;
  readonly size: number;
  readonly idle: number;
  readonly inUse: number;
  readonly waiting: number;
  /** In use over max: 0–1. */
  readonly utilization: number;
  /** Waits of the last five minutes, seconds; `null` when there was none. */
  readonly acquireWait: {
    readonly p50: number | null;
    readonly p95: number | null;
    readonly p99: number | null;
    readonly count: number;
  };
  readonly acquireTimeouts: number;
  /** Connections found broken or impossible to open. */
  readonly connectionErrors: number;
  readonly connectionsOpened: number;
}

/** Idle connections are kept: opening one costs 5–15 ms, and bursts are what a pool is for. */
const idleTimeoutMs = 300_000;
/** So that a failover or a changed DNS name is noticed. */
const maxLifetimeSeconds = 3_600;
const keepAliveDelayMs = 30_000;
/** A transaction left open blocks partition maintenance. */
const idleInTransactionTimeoutMs = 30_000;

/**
 * A `pg.Pool` whose waiting is measured where it happens: gauges sampled every few seconds cannot see a pool that is
 * exhausted for two of them.
 */
export class MeteredPool {
  readonly name: PoolName;
  readonly max: number;
  private readonly pool: pg.Pool;
  private readonly wait: HistogramHandle;
  private readonly waits = new RollingWindow();
  private readonly timeouts: CounterHandle;
  private readonly errors: CounterHandle;
  private readonly opened: CounterHandle;
  private counts = { timeouts: 0, errors: 0, opened: 0 };

  constructor(options: MeteredPoolOptions, metrics: Metrics) {
    this.name = options.name;
    this.max = options.max;
    const label = { pool: options.name };
    this.wait = metrics.histogram(poolAcquireWait, label);
    this.timeouts = metrics.counter(poolAcquireTimeouts, label);
    this.errors = metrics.counter(poolConnectionErrors, label);
    this.opened = metrics.counter(poolConnectionsOpened, label);
    this.pool = new pg.Pool({
      connectionString: options.url,
      max: options.max,
      connectionTimeoutMillis: options.acquireTimeoutMs,
      idleTimeoutMillis: idleTimeoutMs,
      maxLifetimeSeconds,
      keepAlive: true,
      keepAliveInitialDelayMillis: keepAliveDelayMs,
      application_name: `tidewatch ${options.name}`,
      statement_timeout: options.statementTimeoutMs || undefined,
      lock_timeout: options.lockTimeoutMs || undefined,
      idle_in_transaction_session_timeout: idleInTransactionTimeoutMs,
    });
    this.pool.on('connect', (client) => {
      this.counts.opened++;
      this.opened.inc();
      // A connection that breaks while it is in use tells its query; it also tells the client, on which the pool listens
      // only while it is idle.
      client.on('error', () => undefined);
    });
    // An idle connection that breaks is discarded by the pool; without a listener it would end the process.
    this.pool.on('error', () => this.broken());
  }

  /** @throws what `pg` throws; see {@link query} for the errors that clients get */
  async connect(): Promise<PoolClient> {
    const started = performance.now();
    try {
      return await this.pool.connect();
    } catch (error) {
      if (/timeout exceeded when trying to connect/.test(String(error))) {
        this.counts.timeouts++;
        this.timeouts.inc();
      } else {
        this.broken();
      }
      throw error;
    } finally {
      const seconds = (performance.now() - started) / 1000;
      this.wait.observe(seconds);
      this.waits.add(seconds);
    }
  }

  /**
   * One statement on a connection of its own.
   * @throws Problem 503 when there is no connection in time, the database is away or the statement took too long
   */
  query<R extends QueryResultRow = QueryResultRow>(
    query: string | QueryConfig,
    values?: unknown[],
  ): Promise<QueryResult<R>> {
    return this.use((client) => client.query<R>(query as QueryConfig, values));
  }

  /** Several statements on one connection. @throws as {@link query} */
  async use<T>(run: (client: PoolClient) => Promise<T>): Promise<T> {
    let client: PoolClient;
    try {
      client = await this.connect();
    } catch (error) {
      throw asProblem(error);
    }
    let failure: Error | undefined;
    try {
      return await run(client);
    } catch (error) {
      const problem = asProblem(error);
      // A lost connection is discarded; one that refused a statement is as good as before.
      if (problem !== error) failure = error as Error;
      throw problem;
    } finally {
      if (failure) this.discard(client, failure);
      else client.release();
    }
  }

  /** One transaction. @throws as {@link query}; rolled back then */
  async transaction<T>(run: (client: PoolClient) => Promise<T>, begin = 'BEGIN'): Promise<T> {
    return this.use(async (client) => {
      await client.query(begin);
      try {
        const result = await run(client);
        await client.query('COMMIT');
        return result;
      } catch (error) {
        await client.query('ROLLBACK').catch(() => undefined);
        throw error;
      }
    });
  }

  snapshot(): PoolSnapshot {
    const { totalCount, idleCount, waitingCount } = this.pool;
    const { p50, p95, p99, count } = this.waits.read(300);
    const inUse = totalCount - idleCount;
    return {
      name: this.name,
      max: this.max,
      size: totalCount,
      idle: idleCount,
      inUse,
      waiting: waitingCount,
      utilization: inUse / this.max,
      acquireWait: { p50, p95, p99, count },
      acquireTimeouts: this.counts.timeouts,
      connectionErrors: this.counts.errors,
      connectionsOpened: this.counts.opened,
    };
  }

  /** Opens `count` connections now, so that the first burst does not pay for them. */
  async warm(count: number): Promise<void> {
    const clients = await Promise.all(
      Array.from({ length: Math.min(count, this.max) }, () => this.connect()),
    );
    for (const client of clients) client.release();
  }

  async end(): Promise<void> {
    await this.pool.end();
  }

  private discard(client: PoolClient, error: Error): void {
    this.broken();
    client.release(error);
  }

  private broken(): void {
    this.counts.errors++;
    this.errors.inc();
  }
}
