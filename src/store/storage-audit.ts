import { rollupChecked, rollupMismatches } from '../observability/catalogue/store.js';
import type { Sources, StorageFinding } from '../observability/collection/sources.js';
import type { Metrics } from '../observability/metrics.js';
import type { Database } from './database.js';
import { lostWithoutTimescale } from './dialect.js';
import type { PartitionService } from './partitions/partition.service.js';
import type { RollupRepository } from './rollups/rollup.repository.js';

type Query = <Row extends object>(sql: string, parameters?: readonly unknown[]) => Promise<readonly Row[]>;

/** More tables than this under one parent make planning slower than the query. */
const manyPartitions = 400;
const rollupLateSeconds = 300;
const unusedIndexBytes = 10 * 2 ** 20;

/** Indexes that a migration has made; one that is missing was dropped by hand. */
const expectedIndexes = [
  'analytics_metrics_portfolio_time',
  'risk_metrics_portfolio_time',
  'risk_limits_active_portfolio',
  'risk_limits_utilization',
  'risk_events_portfolio_time',
  'websocket_connections_metadata',
  'positions_portfolio_hash',
  'trades_portfolio_covering',
  'ticks_symbol_ts',
  'ticks_seq_brin',
  'ticks_source_id',
];

/**
 * What the storage finds wrong with itself, before users do; each finding says how to fix it. Lent to the collector
 * `storage-audit`. A probe that finds nothing reports `ok`, so that silence is never taken for health.
 */
export class StorageAudit {
  constructor(
    private readonly database: Database,
    private readonly partitions: PartitionService | null,
    private readonly rollups: RollupRepository,
    private readonly metrics: Metrics,
    sources: Sources,
  ) {
    sources.provide('storage-findings', (query) => this.findings(query));
  }

  async findings(query: Query): Promise<readonly StorageFinding[]> {
    return [
      this.branch(),
      ...this.partitionFindings(),
      ...(this.database.dialect === 'timescale' ? await timescaleFindings(query) : []),
      await this.rollupLag(),
      await this.rollupTruth(),
      ...(await indexFindings(query)),
    ];
  }

  private branch(): StorageFinding {
    const native = this.database.dialect === 'native';
    return {
      probe: 'branch',
      object: this.database.dialect,
      severity: 'ok',
      value: null,
      howToFix: this.database.branch.reason,
      lost: native ? lostWithoutTimescale : [],
    };
  }

  private partitionFindings(): StorageFinding[] {
    return (this.partitions?.status() ?? []).flatMap(({ table, ahead, partitions }) => [
      {
        probe: 'partitions_ahead',
        object: table,
        severity: ahead < 1 ? 'warning' : ahead < 2 ? 'advice' : 'ok',
        value: ahead,
        howToFix: 'The job "partitions" makes them: see tidewatch_store_job_failures_total and the log.',
      },
      {
        probe: 'partition_count',
        object: table,
        severity: partitions > manyPartitions ? 'advice' : 'ok',
        value: partitions,
        howToFix: 'Keep rows for less time (TICK_RETENTION_DAYS, METRIC_RETENTION_DAYS), or use TimescaleDB.',
      },
    ]);
  }

  private async rollupLag(): Promise<StorageFinding> {
    const { rolledUpToMs } = await this.rollups.status();
    const seconds = rolledUpToMs === null ? null : (Date.now() - rolledUpToMs) / 1000;
    return {
      probe: 'rollup_lag',
      object: 'metrics_1m',
      severity: seconds !== null && seconds > rollupLateSeconds ? 'warning' : 'ok',
      value: seconds,
      howToFix: 'Answers stay right and get slower. See the job "rollup", or the jobs of TimescaleDB.',
    };
  }

  private async rollupTruth(): Promise<StorageFinding> {
    const { checked, mismatches } = await this.rollups.checkTruth();
    this.metrics.counter(rollupChecked, {}).inc(checked);
    this.metrics.counter(rollupMismatches, {}).inc(mismatches.length);
    const [first] = mismatches;
    return {
      probe: 'rollup_truth',
      object: first?.table ?? 'all',
      severity: first === undefined ? 'ok' : 'warning',
      value: mismatches.length,
      howToFix:
        first === undefined
          ? 'Sampled buckets agree with their raw rows.'
          : `${first.portfolioId} ${first.metricType} at ${new Date(first.bucketMs).toISOString()}: ` +
            `stored ${JSON.stringify(first.stored)}, recomputed ${JSON.stringify(first.recomputed)}.`,
    };
  }
}

async function timescaleFindings(query: Query): Promise<StorageFinding[]> {
  const chunks = await query<{ name: string; chunks: number }>(
    `SELECT hypertable_name AS name, num_chunks::int AS chunks FROM timescaledb_information.hypertables
     WHERE hypertable_schema = current_schema()`,
  );
  const jobs = await query<{ job: string; failures: number; failed: boolean }>(
    `SELECT j.proc_name || ' ' || coalesce(j.hypertable_name, '') AS job, coalesce(s.total_failures, 0)::int AS failures,
       coalesce(s.last_run_status = 'Failed', false) AS failed
     FROM timescaledb_information.jobs j LEFT JOIN timescaledb_information.job_stats s USING (job_id)
     WHERE j.proc_schema LIKE '\\_timescaledb%'`,
  );
  return [
    ...chunks.map(
      ({ name, chunks: n }): StorageFinding => ({
        probe: 'chunk_count',
        object: name,
        severity: n > manyPartitions ? 'advice' : 'ok',
        value: n,
        howToFix: `Widen the chunks: SELECT set_chunk_time_interval('${name}', …); keep rows for less time.`,
      }),
    ),
    ...jobs.map(
      ({ job, failures, failed }): StorageFinding => ({
        probe: 'policy',
        object: job,
        severity: failed ? 'warning' : 'ok',
        value: failures,
        howToFix: 'See timescaledb_information.job_errors; free max_worker_processes if none is left.',
      }),
    ),
  ];
}

async function indexFindings(query: Query): Promise<StorageFinding[]> {
  const [found] = await query<{ invalid: string[] | null; present: string[] | null }>(
    `SELECT array_agg(c.relname::text) FILTER (WHERE NOT i.indisvalid) AS invalid,
       array_agg(c.relname::text) FILTER (WHERE i.indisvalid) AS present
     FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
     WHERE c.relnamespace = current_schema()::regnamespace`,
  );
  const unused = await query<{ name: string; bytes: number }>(
    `SELECT s.indexrelname AS name, pg_relation_size(s.indexrelid)::float8 AS bytes
     FROM pg_stat_user_indexes s JOIN pg_index i USING (indexrelid)
     JOIN pg_stat_database d ON d.datname = current_database()
     WHERE s.idx_scan = 0 AND NOT i.indisunique AND pg_relation_size(s.indexrelid) > $1
       AND coalesce(d.stats_reset, pg_postmaster_start_time()) < now() - interval '7 days'
     ORDER BY 2 DESC LIMIT 10`,
    [unusedIndexBytes],
  );
  const present = new Set(found?.present ?? []);
  const missing = expectedIndexes.filter((name) => !present.has(name));
  const invalid = found?.invalid ?? [];
  const summary = (probe: string, names: readonly string[], howToFix: string): StorageFinding => ({
    probe,
    object: names[0] ?? 'all',
    severity: names.length > 0 ? 'warning' : 'ok',
    value: names.length,
    howToFix,
  });
  return [
    summary(
      'invalid_index',
      invalid,
      `REINDEX INDEX CONCURRENTLY ${invalid[0] ?? ''}: an interrupted build left it.`,
    ),
    summary('missing_index', missing, `Make ${missing.join(', ')} again as its migration does.`),
    ...unused.map(
      ({ name, bytes }): StorageFinding => ({
        probe: 'unused_index',
        object: name,
        severity: 'advice',
        value: bytes,
        howToFix: `No query has used it for a week; every insert pays for it.`,
      }),
    ),
  ];
}
