import { counter, gauge, histogram } from '../metric-spec.js';

/** Pools of database connections. */
const poolNames = ['reader', 'writer', 'maintenance'] as const;
export type PoolName = (typeof poolNames)[number];

/** Tables that are written by group commit. */
const writerNames = [
  'ticks',
  'analytics_metrics',
  'risk_metrics',
  'risk_events',
  'websocket_metrics',
  'debug_logs',
] as const;
export type WriterName = (typeof writerNames)[number];

const pool = { pool: poolNames } as const;
const writer = { writer: writerNames } as const;

// Edges at the thresholds of pool waits (1 s) and at the shipped acquire timeout (3 s).
const waitBuckets = [0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5];

export const poolAcquireWait = histogram(
  'tidewatch_store_pool_acquire_wait_seconds',
  'Time from asking for a pooled connection to having it.',
  waitBuckets,
  pool,
);
export const poolAcquireTimeouts = counter(
  'tidewatch_store_pool_acquire_timeouts_total',
  'Requests for a connection that were given up after the acquire timeout.',
  pool,
);
export const poolConnectionErrors = counter(
  'tidewatch_store_pool_connection_errors_total',
  'Pooled connections found broken, or that could not be opened.',
  pool,
);
export const poolConnectionsOpened = counter(
  'tidewatch_store_pool_connections_opened_total',
  'Connections opened to the database.',
  pool,
);

export const writerRows = counter('tidewatch_store_writer_rows_total', 'Rows durable after commit.', writer);
export const writerDuplicates = counter(
  'tidewatch_store_writer_duplicates_total',
  'Rows recognised as already stored, by their source id.',
  writer,
);
export const writerBytes = counter(
  'tidewatch_store_writer_copy_bytes_total',
  'Bytes sent in binary COPY streams.',
  writer,
);
export const writerFlushSeconds = histogram(
  'tidewatch_store_writer_flush_seconds',
  'Time from closing a batch to its confirmed commit, retries included.',
  [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  writer,
);
export const writerFlushRows = histogram(
  'tidewatch_store_writer_flush_rows',
  'Rows committed together.',
  [1, 10, 100, 500, 1_000, 2_000, 5_000, 10_000, 50_000],
  writer,
);
export const writerBufferRows = gauge(
  'tidewatch_store_writer_buffer_rows',
  'Rows accepted and not yet durable.',
  writer,
);
export const writerBufferBytes = gauge(
  'tidewatch_store_writer_buffer_bytes',
  'Estimated bytes of the rows accepted and not yet durable.',
  writer,
);
export const writerOldestSeconds = gauge(
  'tidewatch_store_writer_oldest_row_seconds',
  'Age of the oldest row that is accepted and not yet durable; 0 while there is none.',
  writer,
);
export const writerRetries = counter(
  'tidewatch_store_writer_retries_total',
  'Batches sent again because the connection or the transaction was lost.',
  writer,
);
export const writerRefused = counter(
  'tidewatch_store_writer_refused_rows_total',
  'Rows refused with 503, so that the sender repeats them.',
  { ...writer, reason: ['buffer_full', 'database_unavailable', 'stopping'] },
);
export const writerDeadLetters = counter(
  'tidewatch_store_writer_dead_letters_total',
  'Rows that the database refused for good, by SQLSTATE class.',
  { ...writer, sqlstate_class: ['22', '23', 'other'] },
);

/** Work beside the flow. */
const storeJobNames = [
  'latest',
  'partitions',
  'retention',
  'rollup',
  'end-of-day',
  'clean-up',
  'websocket-metrics',
  'connections',
  'log-lines',
] as const;
export type StoreJobName = (typeof storeJobNames)[number];
// Not `job`: that label is Prometheus' own, and it would be renamed when scraped.
const job = { task: storeJobNames } as const;

export const storeJobSeconds = histogram(
  'tidewatch_store_job_seconds',
  'Duration of one run of a background job.',
  [0.001, 0.01, 0.1, 0.5, 1, 5, 30, 120],
  job,
);
export const storeJobFailures = counter(
  'tidewatch_store_job_failures_total',
  'Runs of a background job that failed.',
  job,
);
export const storeJobLastSuccess = gauge(
  'tidewatch_store_job_last_success_timestamp_seconds',
  'When a background job last succeeded.',
  job,
);

export const unrecorded = counter(
  'tidewatch_store_unrecorded_total',
  'Log lines and WebSocket connections that were not written to their tables because too many waited.',
  { what: ['log_line', 'connection'] },
);

export const rollupLag = gauge(
  'tidewatch_store_rollup_lag_seconds',
  'Age of the newest moment that is rolled up; answers read younger rows raw.',
);
export const rollupDirty = gauge(
  'tidewatch_store_rollup_dirty_buckets',
  'Minute buckets of portfolios that late rows have touched and that wait to be rolled up again (plain PostgreSQL).',
);
export const rollupChecked = counter(
  'tidewatch_store_rollup_checked_buckets_total',
  'Stored buckets that were recomputed from the raw rows.',
);
export const rollupMismatches = counter(
  'tidewatch_store_rollup_mismatches_total',
  'Stored buckets that their raw rows did not confirm.',
);

/** Time tables; see `src/store/retention.ts`. */
export const partitionsAhead = gauge(
  'tidewatch_store_partitions_ahead',
  'Partitions that exist beyond the one of now, without a gap (plain PostgreSQL).',
  { table: writerNames },
);

/** Queries of clients, by what they read. */
export const queryKinds = ['history_rollup', 'history_raw', 'latest', 'ticks'] as const;
export type QueryKind = (typeof queryKinds)[number];
// Edges at the target (500 ms) and the critical value (2 s) of the query row.
export const querySeconds = histogram(
  'tidewatch_store_query_seconds',
  'Time of a query of a client, wait for a connection included.',
  [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 15],
  { query: queryKinds },
  { window: 'query_time' },
);
