import type { Config } from '../config/config.js';
import type { PoolName } from '../observability/catalogue/store.js';
import type { Metrics } from '../observability/metrics.js';
import { StartupError } from '../startup-error.js';
import type { Dialect, DialectRecord } from './dialect.js';
import { MeteredPool, type PoolSnapshot } from './metered-pool.js';
import { type MigrateResult, migrate } from './migrator.js';
import { Presence } from './presence.js';
import type { Retention } from './retention.js';
import { messageOf } from './writer/sqlstate.js';

/**
 * Longest statement by class, ms. What a dashboard waits for, what a report may take, what a flush may take, and work in
 * the background, which is bounded by its own steps.
 */
export const statementTimeoutMs = {
  interactive: 5_000,
  report: 15_000,
  write: 15_000,
  maintenance: 300_000,
} as const;

/** Connections for partitions, roll-ups and other work beside the flow. */
const maintenancePoolMax = 2;
/** The connection of {@link Presence}. */
const presenceConnections = 1;
/** PostgreSQL keeps the last ones for superusers; somebody must get in to look. */
const spareConnections = 3;

/**
 * The database of this process. Two pools, so that a flush never waits behind a report, and a small third one, so that
 * neither waits behind maintenance; beside them one connection that says that this process lives. Made by {@link open}: whoever can inject it finds the schema in place.
 */
export class Database {
  private constructor(
    /** Queries of clients. */
    readonly reader: MeteredPool,
    /** Flushes and transactions of clients. */
    readonly writer: MeteredPool,
    /** Partitions, roll-ups, clean-up: never on the way of a request. */
    readonly maintenance: MeteredPool,
    readonly presence: Presence,
    readonly branch: DialectRecord,
    readonly retention: Retention,
  ) {}

  /** Connects, migrates, checks the size of the pools. @throws StartupError naming what to change */
  static async open(
    config: Config,
    metrics: Metrics,
    onMigrated: (result: MigrateResult) => void = () => undefined,
  ): Promise<Database> {
    const url = config.get('DATABASE_URL');
    if (url === undefined) throw new StartupError('DATABASE_URL is not set and no database is embedded');
    const retention: Retention = {
      ticks: config.get('TICK_RETENTION_DAYS') ?? null,
      metrics: config.get('METRIC_RETENTION_DAYS') ?? null,
    };
    const result = await migrate(url, { timescale: config.get('TIMESCALE'), retention }).catch(
      (error: unknown) => {
        throw error instanceof StartupError ? error : explain(error);
      },
    );
    onMigrated(result);
    const max: Record<PoolName, number> = {
      reader: config.get('DB_READER_POOL_MAX'),
      writer: config.get('DB_WRITER_POOL_MAX'),
      maintenance: maintenancePoolMax,
    };
    const pool = (name: PoolName, statementTimeout: number, lockTimeoutMs: number): MeteredPool =>
      new MeteredPool(
        {
          name,
          url,
          max: max[name],
          acquireTimeoutMs: config.get('DB_ACQUIRE_TIMEOUT_MS'),
          statementTimeoutMs: statementTimeout,
          lockTimeoutMs,
        },
        metrics,
      );
    const database = new Database(
      pool('reader', statementTimeoutMs.interactive, 0),
      pool('writer', statementTimeoutMs.write, 5_000),
      pool('maintenance', statementTimeoutMs.maintenance, 3_000),
      await Presence.open(url).catch((error: unknown) => {
        throw explain(error);
      }),
      result.dialect,
      retention,
    );
    try {
      await database.requireRoomFor(max);
      await database.writer.warm(max.writer);
    } catch (error) {
      await database.close();
      throw error instanceof StartupError ? error : explain(error);
    }
    return database;
  }

  get dialect(): Dialect {
    return this.branch.dialect;
  }

  get pools(): readonly MeteredPool[] {
    return [this.reader, this.writer, this.maintenance];
  }

  snapshots(): readonly PoolSnapshot[] {
    return this.pools.map((pool) => pool.snapshot());
  }

  async close(): Promise<void> {
    await Promise.all([...this.pools.map((pool) => pool.end()), this.presence.close()]);
  }

  private async requireRoomFor(max: Readonly<Record<PoolName, number>>): Promise<void> {
    const { rows } = await this.maintenance.query<{ max: number; reserved: number }>(
      `SELECT current_setting('max_connections')::int AS max,
              current_setting('superuser_reserved_connections')::int
              + coalesce(current_setting('reserved_connections', true)::int, 0) AS reserved`,
    );
    const server = rows[0];
    if (!server) return;
    const own = max.maintenance + presenceConnections;
    const wanted = max.reader + max.writer + own;
    const usable = server.max - server.reserved;
    if (wanted > usable) {
      throw new StartupError(
        `DB_READER_POOL_MAX ${max.reader} + DB_WRITER_POOL_MAX ${max.writer} + ${own} for maintenance = ` +
          `${wanted} connections, but the server allows ${usable} (max_connections ${server.max}, ${server.reserved} reserved): ` +
          `make the pools smaller or set max_connections to at least ${wanted + server.reserved + spareConnections}`,
      );
    }
  }
}

function explain(error: unknown): StartupError {
  return new StartupError(`cannot use the database: ${messageOf(error)}`);
}
