import { counter, gauge } from '../../src/observability/collection/collector.js';

export const backendStates = [
  'active',
  'idle',
  'idle in transaction',
  'idle in transaction (aborted)',
  'fastpath function call',
  'disabled',
  'unknown',
] as const;
export const backends = gauge(
  'tidewatch_postgres_backends',
  'Client backends of the server, by the state PostgreSQL gives them.',
  { state: backendStates },
);

export const waitTypes = [
  'LWLock',
  'Lock',
  'BufferPin',
  'Extension',
  'IPC',
  'Timeout',
  'IO',
  'InjectionPoint',
] as const;
export const waitingBackends = gauge(
  'tidewatch_postgres_waiting_backends',
  'Active client backends that wait, by what for.',
  { type: waitTypes },
);
export const longestTransaction = gauge(
  'tidewatch_postgres_longest_transaction_seconds',
  'Age of the oldest open transaction; 0 when there is none.',
);
export const longestQuery = gauge(
  'tidewatch_postgres_longest_query_seconds',
  'Age of the longest running query; 0 when there is none.',
);

export const lockModes = [
  'AccessShareLock',
  'RowShareLock',
  'RowExclusiveLock',
  'ShareUpdateExclusiveLock',
  'ShareLock',
  'ShareRowExclusiveLock',
  'ExclusiveLock',
  'AccessExclusiveLock',
  'SIReadLock',
] as const;
export const locks = gauge('tidewatch_postgres_locks', 'Locks held or asked for in this database, by mode.', {
  mode: lockModes,
});
export const lockWaiters = gauge('tidewatch_postgres_lock_waiters', 'Backends that wait for a lock.');
export const longestLockWait = gauge(
  'tidewatch_postgres_longest_lock_wait_seconds',
  'Longest time that a backend has been waiting for a lock; 0 when none waits.',
);

export const transactions = counter(
  'tidewatch_postgres_transactions_total',
  'Transactions of this database, by how they ended.',
  { outcome: ['commit', 'rollback'] },
);
export const blocks = counter(
  'tidewatch_postgres_blocks_total',
  'Blocks that queries asked for, by whether they were in the buffer cache.',
  { source: ['cache', 'disk'] },
);
export const rows = counter('tidewatch_postgres_rows_total', 'Rows, by what was done with them.', {
  operation: ['returned', 'fetched', 'inserted', 'updated', 'deleted'],
});
export const deadlocks = counter('tidewatch_postgres_deadlocks_total', 'Deadlocks detected.');
export const conflicts = counter('tidewatch_postgres_conflicts_total', 'Queries cancelled for recovery.');
export const tempBytes = counter(
  'tidewatch_postgres_temp_bytes_total',
  'Bytes that queries spilled to disk.',
);
export const tempFiles = counter(
  'tidewatch_postgres_temp_files_total',
  'Files that queries spilled to disk.',
);
export const databaseSize = gauge('tidewatch_postgres_database_size_bytes', 'Size of this database on disk.');
export const xidAge = gauge(
  'tidewatch_postgres_transaction_id_age',
  'Transactions since the oldest row that is not frozen; autovacuum forces itself at 200 million.',
);
export const maxConnections = gauge('tidewatch_postgres_max_connections', 'The setting max_connections.');
export const startTime = gauge(
  'tidewatch_postgres_start_timestamp_seconds',
  'Unix time at which the server started.',
);
export const version = gauge('tidewatch_postgres_version_info', 'The version of the server (1).', {
  version: 'bounded',
});

export const walBytes = counter('tidewatch_postgres_wal_bytes_total', 'Write-ahead log written.');
export const walArchiveFailures = counter(
  'tidewatch_postgres_wal_archive_failures_total',
  'Attempts to archive write-ahead log that failed.',
);
export const walRetained = gauge(
  'tidewatch_postgres_wal_retained_bytes',
  'Write-ahead log kept for the replication slot that is furthest behind; no series without slots.',
);
export const replicationLag = gauge(
  'tidewatch_postgres_replication_lag_bytes',
  'How far the furthest standby is behind; no series without standbys.',
);
export const checkpoints = counter(
  'tidewatch_postgres_checkpoints_total',
  'Checkpoints, by what asked for them.',
  {
    cause: ['timed', 'requested'],
  },
);
export const checkpointSeconds = counter(
  'tidewatch_postgres_checkpoint_seconds_total',
  'Time spent in checkpoints, by phase.',
  { phase: ['write', 'sync'] },
);
export const checkpointBuffers = counter(
  'tidewatch_postgres_checkpoint_buffers_total',
  'Buffers written by checkpoints.',
);

export const serverMetrics = [
  backends,
  waitingBackends,
  longestTransaction,
  longestQuery,
  locks,
  lockWaiters,
  longestLockWait,
  transactions,
  blocks,
  rows,
  deadlocks,
  conflicts,
  tempBytes,
  tempFiles,
  databaseSize,
  xidAge,
  maxConnections,
  startTime,
  version,
  walBytes,
  walArchiveFailures,
  walRetained,
  replicationLag,
  checkpoints,
  checkpointSeconds,
  checkpointBuffers,
];

const query = { query_id: 'bounded' } as const;
const topStatements = { maxSeries: 20, fold: 'sum' } as const;
export const statementSeconds = gauge(
  'tidewatch_postgres_statement_time_ratio',
  'Seconds per second that the statement ran since the run before; the statements that took most.',
  query,
  topStatements,
);
export const statementCalls = gauge(
  'tidewatch_postgres_statement_calls_per_second',
  'Calls per second since the run before, of the same statements.',
  query,
  topStatements,
);
export const statementMean = gauge(
  'tidewatch_postgres_statement_mean_seconds',
  'Mean time of a call since the run before, of the same statements.',
  query,
  topStatements,
);
export const statementInfo = gauge(
  'tidewatch_postgres_statement_info',
  'First 120 characters of the same statements, constants replaced (1).',
  { query_id: 'bounded', text: 'bounded' },
  topStatements,
);
export const statementsTracked = gauge(
  'tidewatch_postgres_statements_tracked',
  'Statements that pg_stat_statements holds.',
);
export const statementMetrics = [
  statementSeconds,
  statementCalls,
  statementMean,
  statementInfo,
  statementsTracked,
];

const table = { table: 'bounded' } as const;
const tables = { maxSeries: 60, fold: 'sum' } as const;
export const tableBytes = gauge(
  'tidewatch_postgres_table_bytes',
  'Size of a table with all of its partitions, by what takes it.',
  { table: 'bounded', part: ['heap', 'indexes', 'toast'] },
  { maxSeries: 180, fold: 'sum' },
);
export const tableLiveRows = gauge(
  'tidewatch_postgres_table_live_rows',
  'Live rows, estimated.',
  table,
  tables,
);
export const tableDeadRows = gauge(
  'tidewatch_postgres_table_dead_rows',
  'Rows that vacuum has not removed yet, estimated.',
  table,
  tables,
);
export const tableScans = counter(
  'tidewatch_postgres_table_scans_total',
  'Scans of a table, by how.',
  {
    table: 'bounded',
    method: ['sequential', 'index'],
  },
  { maxSeries: 120 },
);
export const tableWrites = counter(
  'tidewatch_postgres_table_writes_total',
  'Rows written to a table, by operation.',
  { table: 'bounded', operation: ['insert', 'update', 'delete'] },
  { maxSeries: 180 },
);
export const tableVacuumAge = gauge(
  'tidewatch_postgres_table_vacuum_age_seconds',
  'Time since the last vacuum of the part of the table that waits longest; no series when none ever was.',
  table,
  tables,
);
export const partitions = gauge(
  'tidewatch_postgres_partitions',
  'Partitions or chunks of a table.',
  table,
  tables,
);
export const partitionsAhead = gauge(
  'tidewatch_postgres_partitions_ahead',
  'Partitions by time that begin after now: without one, ingest stops when the clock gets there.',
  table,
  tables,
);
export const timescaleJobFailures = counter(
  'tidewatch_postgres_timescale_job_failures_total',
  'Failed runs of a TimescaleDB job.',
  { job: 'bounded' },
);
export const timescaleJobLastSuccess = gauge(
  'tidewatch_postgres_timescale_job_last_success_timestamp_seconds',
  'Unix time at which a TimescaleDB job last ended well.',
  { job: 'bounded' },
);
export const timescaleAggregateLag = gauge(
  'tidewatch_postgres_timescale_aggregate_lag_seconds',
  'How far the end of what a continuous aggregate has taken in is behind now.',
  { aggregate: 'bounded' },
);
export const timescaleCompressed = gauge(
  'tidewatch_postgres_timescale_compressed_chunks',
  'Chunks of a hypertable that are compressed.',
  table,
  tables,
);
export const tableMetrics = [
  tableBytes,
  tableLiveRows,
  tableDeadRows,
  tableScans,
  tableWrites,
  tableVacuumAge,
  partitions,
  partitionsAhead,
  timescaleJobFailures,
  timescaleJobLastSuccess,
  timescaleAggregateLag,
  timescaleCompressed,
];
