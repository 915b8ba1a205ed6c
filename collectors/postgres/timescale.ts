import type { CollectorDatabase, CollectorMetrics } from '../../src/observability/collection/collector.js';
import * as m from './postgres.metrics.js';

/** Names of the jobs, hypertables and aggregates are the server's own. Times as Unix seconds. */
export interface JobRow {
  readonly job: string;
  readonly failures: number;
  readonly last_success: number | null;
}
export interface HypertableRow {
  readonly table: string;
  readonly chunks: number;
  readonly compressed: number;
}
export interface AggregateRow {
  readonly aggregate: string;
  readonly lag: number | null;
}

const installedSql = `SELECT 1 AS yes FROM pg_extension WHERE extname = 'timescaledb'`;

/** `last_successful_finish` is `-infinity` for a job that never ended well; one that never ran has no statistics. */
const jobsSql = `
  SELECT j.proc_name || coalesce(' ' || j.hypertable_name, '') || ' ' || j.job_id AS job,
    coalesce(s.total_failures, 0)::float8 AS failures,
    CASE WHEN isfinite(s.last_successful_finish)
      THEN extract(epoch FROM s.last_successful_finish)::float8 END AS last_success
  FROM timescaledb_information.jobs j LEFT JOIN timescaledb_information.job_stats s USING (job_id)`;

const hypertablesSql = `
  SELECT h.hypertable_schema || '.' || h.hypertable_name AS "table", count(c.chunk_name)::int AS chunks,
    (count(*) FILTER (WHERE c.is_compressed))::int AS compressed
  FROM timescaledb_information.hypertables h
  LEFT JOIN timescaledb_information.chunks c USING (hypertable_schema, hypertable_name)
  GROUP BY 1`;

/**
 * The watermark is the end of the newest bucket that was materialised: without new rows it stands still, however well
 * the refresh works. So the last refresh that ended well counts too, up to where it had to go. Before the first
 * bucket the watermark is as old as time itself.
 */
const aggregatesSql = `
  SELECT ca.view_schema || '.' || ca.view_name AS aggregate,
    extract(epoch FROM now() - greatest(
      CASE WHEN w.mark > 0 THEN _timescaledb_functions.to_timestamp(w.mark) END, r.up_to))::float8 AS lag
  FROM timescaledb_information.continuous_aggregates ca
  JOIN _timescaledb_catalog.hypertable h
    ON h.schema_name = ca.materialization_hypertable_schema AND h.table_name = ca.materialization_hypertable_name
  CROSS JOIN LATERAL (SELECT _timescaledb_functions.cagg_watermark(h.id) AS mark) w
  LEFT JOIN LATERAL (
    SELECT max(s.last_successful_finish - s.last_run_duration - coalesce(j.config->>'end_offset', '0')::interval) AS up_to
    FROM timescaledb_information.jobs j JOIN timescaledb_information.job_stats s USING (job_id)
    WHERE j.proc_name = 'policy_refresh_continuous_aggregate' AND (j.config->>'mat_hypertable_id')::int = h.id
      AND isfinite(s.last_successful_finish)) r ON true`;

/** Nothing on a plain PostgreSQL. */
export async function collectTimescale(
  database: CollectorDatabase,
  metrics: CollectorMetrics,
): Promise<void> {
  if ((await database.query(installedSql)).length === 0) return;
  reportJobs(metrics, await database.query<JobRow>(jobsSql));
  reportHypertables(metrics, await database.query<HypertableRow>(hypertablesSql));
  reportAggregates(metrics, await database.query<AggregateRow>(aggregatesSql));
}

export function reportJobs(metrics: CollectorMetrics, rows: readonly JobRow[]): void {
  for (const { job, failures, last_success: lastSuccess } of rows) {
    metrics.set(m.timescaleJobFailures, failures, { job });
    metrics.set(m.timescaleJobLastSuccess, lastSuccess, { job });
  }
}

export function reportHypertables(metrics: CollectorMetrics, rows: readonly HypertableRow[]): void {
  for (const { table, chunks, compressed } of rows) {
    metrics.set(m.partitions, chunks, { table });
    metrics.set(m.timescaleCompressed, compressed, { table });
  }
}

export function reportAggregates(metrics: CollectorMetrics, rows: readonly AggregateRow[]): void {
  for (const { aggregate, lag } of rows) metrics.set(m.timescaleAggregateLag, lag, { aggregate });
}
