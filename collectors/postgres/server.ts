import type { CollectorDatabase, CollectorMetrics } from '../../src/observability/collection/collector.js';
import * as m from './postgres.metrics.js';

export interface DatabaseRow {
  readonly xact_commit: number;
  readonly xact_rollback: number;
  readonly blks_read: number;
  readonly blks_hit: number;
  readonly tup_returned: number;
  readonly tup_fetched: number;
  readonly tup_inserted: number;
  readonly tup_updated: number;
  readonly tup_deleted: number;
  readonly deadlocks: number;
  readonly conflicts: number;
  readonly temp_bytes: number;
  readonly temp_files: number;
  readonly size_bytes: number;
  readonly xid_age: number;
  readonly max_connections: number;
  readonly started: number;
  readonly version: string;
  readonly version_num: number;
}

const databaseSql = `
  SELECT d.xact_commit::float8, d.xact_rollback::float8, d.blks_read::float8, d.blks_hit::float8,
    d.tup_returned::float8, d.tup_fetched::float8, d.tup_inserted::float8, d.tup_updated::float8,
    d.tup_deleted::float8, d.deadlocks::float8, d.conflicts::float8, d.temp_bytes::float8, d.temp_files::float8,
    pg_database_size(d.datid)::float8 AS size_bytes, age(p.datfrozenxid)::float8 AS xid_age,
    current_setting('max_connections')::int AS max_connections,
    extract(epoch FROM pg_postmaster_start_time())::float8 AS started,
    current_setting('server_version') AS version, current_setting('server_version_num')::int AS version_num
  FROM pg_stat_database d JOIN pg_database p ON p.oid = d.datid WHERE d.datname = current_database()`;

/** @returns the server's version number, as 180004 */
export async function collectDatabase(
  database: CollectorDatabase,
  metrics: CollectorMetrics,
): Promise<number> {
  const [row] = await database.query<DatabaseRow>(databaseSql);
  if (row === undefined) throw new Error('pg_stat_database has no row for this database');
  reportDatabase(metrics, row);
  return row.version_num;
}

export function reportDatabase(metrics: CollectorMetrics, row: DatabaseRow): void {
  metrics.set(m.transactions, row.xact_commit, { outcome: 'commit' });
  metrics.set(m.transactions, row.xact_rollback, { outcome: 'rollback' });
  metrics.set(m.blocks, row.blks_hit, { source: 'cache' });
  metrics.set(m.blocks, row.blks_read, { source: 'disk' });
  metrics.set(m.rows, row.tup_returned, { operation: 'returned' });
  metrics.set(m.rows, row.tup_fetched, { operation: 'fetched' });
  metrics.set(m.rows, row.tup_inserted, { operation: 'inserted' });
  metrics.set(m.rows, row.tup_updated, { operation: 'updated' });
  metrics.set(m.rows, row.tup_deleted, { operation: 'deleted' });
  metrics.set(m.deadlocks, row.deadlocks);
  metrics.set(m.conflicts, row.conflicts);
  metrics.set(m.tempBytes, row.temp_bytes);
  metrics.set(m.tempFiles, row.temp_files);
  metrics.set(m.databaseSize, row.size_bytes);
  metrics.set(m.xidAge, row.xid_age);
  metrics.set(m.maxConnections, row.max_connections);
  metrics.set(m.startTime, row.started);
  metrics.set(m.version, 1, { version: row.version.split(' ')[0] ?? row.version });
}

export interface WalRow {
  readonly wal_bytes: number | null;
  readonly archive_failures: number;
  readonly retained: number | null;
  readonly replication_lag: number | null;
}

/** A standby has no write position of its own, hence the two cases. */
const walSql = `
  WITH at AS (SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END AS lsn)
  SELECT (at.lsn - '0/0')::float8 AS wal_bytes,
    (SELECT failed_count::float8 FROM pg_stat_archiver) AS archive_failures,
    (SELECT max(at.lsn - restart_lsn)::float8 FROM pg_replication_slots) AS retained,
    (SELECT max(at.lsn - replay_lsn)::float8 FROM pg_stat_replication) AS replication_lag
  FROM at`;

export async function collectWal(database: CollectorDatabase, metrics: CollectorMetrics): Promise<void> {
  const [row] = await database.query<WalRow>(walSql);
  metrics.set(m.walBytes, row?.wal_bytes);
  metrics.set(m.walArchiveFailures, row?.archive_failures);
  metrics.set(m.walRetained, row?.retained);
  metrics.set(m.replicationLag, row?.replication_lag);
}

export interface CheckpointRow {
  readonly timed: number;
  readonly requested: number;
  readonly write_ms: number;
  readonly sync_ms: number;
  readonly buffers: number;
}

/** PostgreSQL 17 moved the checkpointer's figures out of `pg_stat_bgwriter`. */
const checkpointSql = (versionNum: number): string =>
  versionNum >= 170_000
    ? `SELECT num_timed::float8 AS timed, num_requested::float8 AS requested, write_time AS write_ms,
         sync_time AS sync_ms, buffers_written::float8 AS buffers FROM pg_stat_checkpointer`
    : `SELECT checkpoints_timed::float8 AS timed, checkpoints_req::float8 AS requested,
         checkpoint_write_time AS write_ms, checkpoint_sync_time AS sync_ms,
         buffers_checkpoint::float8 AS buffers FROM pg_stat_bgwriter`;

export async function collectCheckpoints(
  database: CollectorDatabase,
  metrics: CollectorMetrics,
  versionNum: number,
): Promise<void> {
  const [row] = await database.query<CheckpointRow>(checkpointSql(versionNum));
  if (row === undefined) return;
  metrics.set(m.checkpoints, row.timed, { cause: 'timed' });
  metrics.set(m.checkpoints, row.requested, { cause: 'requested' });
  metrics.set(m.checkpointSeconds, row.write_ms / 1000, { phase: 'write' });
  metrics.set(m.checkpointSeconds, row.sync_ms / 1000, { phase: 'sync' });
  metrics.set(m.checkpointBuffers, row.buffers);
}
