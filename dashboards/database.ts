import { type Dashboard, table, timeseries } from './house-style.js';
import { poolPanels } from './panels/pool.js';
import { distribution, quantile, rate } from './panels/queries.js';

const noExtension = 'pg_stat_statements is not installed';
const onlyTimescale = 'TimescaleDB is not in use';
const onlyNative = 'TimescaleDB makes its chunks itself';

export const database: Dashboard = {
  uid: 'tidewatch-database',
  title: 'Tidewatch: PostgreSQL and TimescaleDB',
  description: 'Queries, pools, locks, tables, partitions and roll-ups.',
  rows: [
    {
      title: 'Queries',
      panels: [
        timeseries({
          title: 'Query time',
          description: 'Queries of clients, wait for a connection included.',
          unit: 's',
          threshold: 'query_time',
          width: 8,
          queries: distribution('tidewatch_store_query_seconds'),
        }),
        timeseries({
          title: 'Query time by kind',
          description: '95th percentile by what is read: roll-ups answer in milliseconds, raw rows do not.',
          unit: 's',
          width: 8,
          queries: [
            {
              expr: quantile(0.95, 'tidewatch_store_query_seconds', '', 'query'),
              legend: '{{query}}',
              exemplars: true,
            },
          ],
        }),
        timeseries({
          title: 'Queries per second',
          description: 'Queries of clients by what they read.',
          unit: 'ops',
          width: 8,
          queries: [{ expr: rate('tidewatch_store_query_seconds_count{$p}', 'query'), legend: '{{query}}' }],
        }),
        timeseries({
          title: 'Time by statement',
          description:
            'Seconds per second that each of the dearest statements ran: the delta, not the total since ever.',
          unit: 'percentunit',
          width: 12,
          queries: [
            {
              expr: 'topk(10, tidewatch_postgres_statement_time_ratio{$p})',
              legend: '{{query_id}}',
              mayBeEmpty: noExtension,
            },
          ],
        }),
        table({
          title: 'Dearest statements',
          description: 'The text behind the names of the statements.',
          width: 12,
          queries: [
            {
              expr: 'tidewatch_postgres_statement_info{$p}',
              legend: '{{query_id}}',
              mayBeEmpty: noExtension,
            },
          ],
        }),
      ],
    },
    { title: 'Pools', panels: poolPanels },
    {
      title: 'Server',
      panels: [
        timeseries({
          title: 'Transactions',
          description:
            'Transactions of this database by how they ended; roll-backs that grow are failing writes.',
          unit: 'ops',
          width: 8,
          queries: [
            { expr: rate('tidewatch_postgres_transactions_total{$p}', 'outcome'), legend: '{{outcome}}' },
          ],
        }),
        timeseries({
          title: 'Longest transaction, query and lock wait',
          description: 'An old transaction keeps dead rows and blocks partition maintenance.',
          unit: 's',
          width: 8,
          queries: [
            { expr: 'tidewatch_postgres_longest_transaction_seconds{$p}', legend: 'transaction' },
            { expr: 'tidewatch_postgres_longest_query_seconds{$p}', legend: 'query' },
            { expr: 'tidewatch_postgres_longest_lock_wait_seconds{$p}', legend: 'lock wait' },
          ],
        }),
        timeseries({
          title: 'Write-ahead log',
          description: 'Bytes of write-ahead log per second.',
          unit: 'Bps',
          width: 8,
          queries: [{ expr: rate('tidewatch_postgres_wal_bytes_total{$p}'), legend: '{{instance}}' }],
        }),
        timeseries({
          title: 'Blocks',
          description: 'Blocks that queries asked for, by whether they were in the buffer cache.',
          unit: 'ops',
          width: 8,
          queries: [{ expr: rate('tidewatch_postgres_blocks_total{$p}', 'source'), legend: '{{source}}' }],
        }),
        timeseries({
          title: 'Database size',
          description: 'Size of this database on disk.',
          unit: 'bytes',
          width: 8,
          queries: [{ expr: 'tidewatch_postgres_database_size_bytes{$p}', legend: '{{instance}}' }],
        }),
        timeseries({
          title: 'Largest tables',
          description: 'Size of a table with all of its partitions.',
          unit: 'bytes',
          width: 8,
          queries: [
            { expr: 'topk(5, sum by (table) (tidewatch_postgres_table_bytes{$p}))', legend: '{{table}}' },
          ],
        }),
      ],
    },
    {
      title: 'Time tables and roll-ups',
      panels: [
        timeseries({
          title: 'Partitions ahead',
          description:
            'Partitions that begin after now. Without one, ingest stops when the clock gets there.',
          unit: 'short',
          threshold: 'partitions_ahead',
          width: 8,
          queries: [
            { expr: 'tidewatch_postgres_partitions_ahead{$p}', legend: '{{table}}', mayBeEmpty: onlyNative },
          ],
        }),
        timeseries({
          title: 'Background jobs',
          description: 'Time of each run of partitions, roll-ups and retention.',
          unit: 's',
          width: 8,
          queries: [
            { expr: quantile(0.95, 'tidewatch_store_job_seconds', '', 'task'), legend: 'p95 {{task}}' },
          ],
        }),
        timeseries({
          title: 'Failed jobs',
          description: 'Runs of background jobs that failed; each is repeated.',
          unit: 'short',
          threshold: 'store_job_failures',
          width: 8,
          queries: [
            {
              expr: 'sum by (task) (increase(tidewatch_store_job_failures_total{$p}[$__rate_interval]))',
              legend: '{{task}}',
            },
          ],
        }),
        timeseries({
          title: 'Roll-up truth',
          description: 'Buckets recomputed from their raw rows, and those that came out different.',
          unit: 'short',
          threshold: 'rollup_mismatch',
          width: 8,
          queries: [
            {
              expr: 'sum by (instance) (increase(tidewatch_store_rollup_checked_buckets_total{$p}[$__rate_interval]))',
              legend: 'checked {{instance}}',
            },
            {
              expr: 'sum by (instance) (increase(tidewatch_store_rollup_mismatches_total{$p}[$__rate_interval]))',
              legend: 'wrong {{instance}}',
            },
          ],
        }),
        timeseries({
          title: 'TimescaleDB aggregates',
          description: 'How far the end of what a continuous aggregate has materialised is behind now.',
          unit: 's',
          width: 8,
          queries: [
            {
              expr: 'tidewatch_postgres_timescale_aggregate_lag_seconds{$p}',
              legend: '{{aggregate}}',
              mayBeEmpty: onlyTimescale,
            },
          ],
        }),
        timeseries({
          title: 'Findings of the storage about itself',
          description: 'What the storage audit finds wrong, by probe; `doctor` says how to put it right.',
          unit: 'short',
          width: 8,
          queries: [
            {
              expr: 'sum by (probe, severity) (tidewatch_storage_findings{$p, severity!="ok"})',
              legend: '{{probe}} {{severity}}',
            },
          ],
        }),
      ],
    },
  ],
};
