import { type Retention, retentionDays, type TimeTable, timeTables } from '../../src/store/retention.js';

/** How each table is laid out in the columnstore, and when a chunk goes there. */
const columnstore: Readonly<Record<TimeTable, { segmentBy: string; orderBy: string; after: string }>> = {
  ticks: { segmentBy: 'symbol', orderBy: 'ts, seq', after: '7 days' },
  analytics_metrics: {
    segmentBy: 'portfolio_id, metric_type',
    orderBy: '"timestamp" DESC',
    after: '1 day',
  },
  risk_metrics: { segmentBy: 'portfolio_id, metric_type', orderBy: '"timestamp" DESC', after: '1 day' },
  risk_events: { segmentBy: 'portfolio_id', orderBy: '"timestamp" DESC', after: '30 days' },
  websocket_metrics: { segmentBy: 'metric_type', orderBy: '"timestamp" DESC', after: '1 day' },
  debug_logs: { segmentBy: 'module', orderBy: '"timestamp" DESC', after: '1 day' },
};

/** Continuous aggregates and how often they are brought up to date. */
const refresh = [
  { view: 'metrics_1m', bucketMinutes: 1, every: '30 seconds' },
  { view: 'metrics_5m', bucketMinutes: 5, every: '1 minute' },
  { view: 'metrics_1h', bucketMinutes: 60, every: '5 minutes' },
  { view: 'metrics_1d', bucketMinutes: 1_440, every: '1 hour' },
] as const;

/**
 * Compression, refresh and retention policies, in the order in which they are safe: compression is enabled before its
 * policy; retention, which acts at once, comes last, and never reaches rows that a refresh may still read.
 */
export function timescalePolicies(retention: Retention): string[] {
  return [
    ...timeTables.flatMap(compressionOf),
    ...refresh.flatMap((aggregate) => refreshOf(aggregate, retention.metrics)),
    ...timeTables.flatMap((table) => retentionOf(table, retentionDays(table, retention))),
  ];
}

function compressionOf(table: TimeTable): string[] {
  const { segmentBy, orderBy, after } = columnstore[table];
  return [
    `DO $$ BEGIN
       IF NOT (SELECT compression_enabled FROM timescaledb_information.hypertables
               WHERE hypertable_schema = current_schema() AND hypertable_name = '${table}') THEN
         ALTER TABLE ${table} SET (timescaledb.compress,
           timescaledb.compress_segmentby = '${segmentBy}', timescaledb.compress_orderby = '${orderBy}');
       END IF;
     END $$`,
    `SELECT remove_compression_policy('${table}', if_exists => true)`,
    `SELECT add_compression_policy('${table}', INTERVAL '${after}')`,
  ];
}

function refreshOf(
  { view, bucketMinutes, every }: (typeof refresh)[number],
  keepDays: number | null,
): string[] {
  // Everything that late rows have invalidated, however old. With retention only what is still there to be read, a
  // chunk to spare: refreshing a dropped range would empty it.
  const start = keepDays === null ? 'NULL' : `INTERVAL '${Math.max(keepDays - 2, 1)} days'`;
  return [
    `SELECT remove_continuous_aggregate_policy('${view}', if_exists => true)`,
    `SELECT add_continuous_aggregate_policy('${view}', start_offset => ${start},
       end_offset => INTERVAL '${bucketMinutes} minutes', schedule_interval => INTERVAL '${every}')`,
  ];
}

function retentionOf(table: TimeTable, days: number | null): string[] {
  const remove = `SELECT remove_retention_policy('${table}', if_exists => true)`;
  if (days === null) return [remove];
  return [remove, `SELECT add_retention_policy('${table}', INTERVAL '${days} days')`];
}
