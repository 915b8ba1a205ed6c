import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import type { CollectorDefinition } from '../../src/observability/collection/collector.js';
import {
  type CapturedReplies,
  type Fakes,
  playBack,
  rehearse,
  seriesOf,
} from '../../src/observability/collection/rehearsal.js';
import definitions from './postgres.collector.js';
import { shortened, statementDeltas } from './statements.js';
import { partitionsAhead } from './tables.js';
import { reportAggregates, reportHypertables, reportJobs } from './timescale.js';

const [server, statements, tables] = definitions as unknown as [
  CollectorDefinition,
  CollectorDefinition,
  CollectorDefinition,
];
/** A lock that is waited for, a transaction left open, a table partitioned by day, rows deleted and not yet reused. */
const replies = (version: number) =>
  JSON.parse(
    readFileSync(new URL(`./testdata/replies.postgres-${version}.json`, import.meta.url), 'utf8'),
  ) as CapturedReplies;

describe.each([15, 18])('postgres, over replies of PostgreSQL %i', (version) => {
  const fakes = (): Fakes => ({ query: playBack(replies(version)) });

  it('reports activity, locks, transactions, log and checkpoints', async () => {
    const run = await rehearse(server, fakes());
    expect(run).toMatchObject({ outcome: 'success', error: null, lint: [] });
    const series = seriesOf(run);
    expect(series).toMatchObject({
      'tidewatch_postgres_backends{state="active"}': 1,
      'tidewatch_postgres_backends{state="idle in transaction"}': 1,
      'tidewatch_postgres_backends{state="idle"}': 0,
      'tidewatch_postgres_waiting_backends{type="Lock"}': 1,
      'tidewatch_postgres_waiting_backends{type="IO"}': 0,
      tidewatch_postgres_lock_waiters: 1,
      'tidewatch_postgres_locks{mode="AccessExclusiveLock"}': 1,
      'tidewatch_postgres_locks{mode="SIReadLock"}': 0,
      tidewatch_postgres_max_connections: 100,
    });
    expect(series.tidewatch_postgres_longest_lock_wait_seconds).toBeGreaterThan(1.4);
    expect(series.tidewatch_postgres_wal_bytes_total).toBeGreaterThan(1e6);
    expect(series['tidewatch_postgres_checkpoints_total{cause="timed"}']).toBeGreaterThanOrEqual(0);
    // No slots and no standbys: unknown is no series, never 0.
    expect(series).not.toHaveProperty('tidewatch_postgres_wal_retained_bytes');
  });

  it('adds partitions up under the table that applications name', async () => {
    const series = seriesOf(await rehearse(tables, fakes()));
    expect(series).toMatchObject({
      'tidewatch_postgres_partitions{table="public.ticks"}': 3,
      'tidewatch_postgres_table_live_rows{table="public.ticks"}': 1000,
      // PostgreSQL's own estimate right after the VACUUM: inserts reported late count on top.
      'tidewatch_postgres_table_live_rows{table="public.portfolios"}': 900,
      'tidewatch_postgres_table_writes_total{table="public.portfolios",operation="delete"}': 50,
    });
    expect(
      series['tidewatch_postgres_table_bytes{table="public.portfolios",part="indexes"}'],
    ).toBeGreaterThan(0);
    expect(series).not.toHaveProperty('tidewatch_postgres_table_vacuum_age_seconds{table="public.ticks"}');
  });

  it('reports statements by what they did between two runs', async () => {
    const run = await rehearse(statements, { ...fakes(), runs: 2 });
    expect(run.outcome).toBe('success');
    const texts = Object.keys(seriesOf(run)).filter((name) =>
      name.startsWith('tidewatch_postgres_statement_info'),
    );
    expect(texts.length).toBeGreaterThan(0);
  });
});

describe('postgres', () => {
  it('keeps reporting the parts that work when another has no permission', async () => {
    const query = playBack(replies(18));
    const run = await rehearse(server, {
      query: (sql, parameters) => {
        if (sql.includes('pg_locks')) throw Object.assign(new Error('permission denied'), { code: '42501' });
        return query(sql, parameters);
      },
    });
    expect(run).toMatchObject({ outcome: 'partial', error: { class: 'permission', part: 'locks' } });
    expect(seriesOf(run)).toHaveProperty('tidewatch_postgres_wal_bytes_total');
    expect(run.silent).toContain('tidewatch_postgres_locks');
  });

  it('fails as a whole when the server is away', async () => {
    const query = () => {
      throw Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:5432'), { code: 'ECONNREFUSED' });
    };
    expect(await rehearse(server, { query })).toMatchObject({
      outcome: 'error',
      error: { class: 'connection' },
    });
  });

  it('has no data without a database or without pg_stat_statements', async () => {
    expect((await rehearse(server)).outcome).toBe('no_data');
    const query = (sql: string) => (sql.includes('pg_extension') ? [] : undefined);
    expect((await rehearse(statements, { query })).outcome).toBe('no_data');
  });
});

describe('statementDeltas', () => {
  const totals = (...rows: [string, number, number][]) =>
    new Map(rows.map(([id, calls, totalMs]) => [id, { id, calls, totalMs }] as const));

  it('ranks by time spent since the reading before', () => {
    const before = totals(['old', 1_000, 90_000], ['busy', 10, 100]);
    const now = totals(['old', 1_001, 90_001], ['busy', 20, 900], ['new', 1, 5], ['idle', 0, 0]);
    expect(statementDeltas(before, now)).toEqual([
      { id: 'busy', calls: 10, totalMs: 800 },
      { id: 'new', calls: 1, totalMs: 5 },
      { id: 'old', calls: 1, totalMs: 1 },
    ]);
  });

  it('counts from zero after a reset instead of going negative', () => {
    expect(statementDeltas(totals(['a', 100, 1_000]), totals(['a', 2, 8]))).toEqual([
      { id: 'a', calls: 2, totalMs: 8 },
    ]);
  });

  it('puts a statement on one short line', () => {
    expect(shortened(`  SELECT *\n\tFROM t  WHERE a = $1${' AND b'.repeat(50)}`)).toMatch(
      /^SELECT \* FROM t WHERE a = \$1 AND b.{0,90}$/,
    );
  });
});

describe('partitionsAhead', () => {
  const now = Date.parse('2026-11-22T12:00:00Z');
  const rows = (...bounds: string[]) =>
    bounds.map((from) => ({ table: 't', bound: `FOR VALUES FROM ('${from}') TO ('2027-01-01')` }));

  it.each([
    [['2026-11-22 00:00:00+00', '2026-11-23 00:00:00+00', '2026-11-24 00:00:00+00'], 2],
    [['2026-11-22 00:00:00+00'], 0],
    [['2026-11-22 13:30:00+02'], 0],
    [['2026-11-22 13:30:00+01'], 1],
    [['2026-11-23'], 1],
    [['2026-11-22 12:00:01'], 1],
    [['MINVALUE'], 0],
  ])('%j are %i ahead', (bounds, expected) => {
    expect(partitionsAhead(rows(...bounds), now).get('t')).toBe(expected);
  });

  it('leaves out a default partition', () => {
    expect(partitionsAhead([{ table: 't', bound: 'DEFAULT' }], now).get('t')).toBe(0);
  });
});

describe('TimescaleDB', () => {
  it('reports jobs, chunks and how far aggregates are behind; unknown is left out', () => {
    const set: [string, number | null | undefined, unknown][] = [];
    const metrics = {
      set: (spec: { name: string }, value: number | null | undefined, labels: unknown) =>
        set.push([spec.name.replace('tidewatch_postgres_', ''), value, labels]),
    } as unknown as Parameters<typeof reportJobs>[0];
    reportJobs(metrics, [{ job: 'policy_retention ticks 1001', failures: 2, last_success: null }]);
    reportHypertables(metrics, [{ table: 'public.ticks', chunks: 9, compressed: 7 }]);
    reportAggregates(metrics, [{ aggregate: 'public.ticks_1h', lag: 4_000 }]);
    expect(set).toEqual([
      ['timescale_job_failures_total', 2, { job: 'policy_retention ticks 1001' }],
      ['timescale_job_last_success_timestamp_seconds', null, { job: 'policy_retention ticks 1001' }],
      ['partitions', 9, { table: 'public.ticks' }],
      ['timescale_compressed_chunks', 7, { table: 'public.ticks' }],
      ['timescale_aggregate_lag_seconds', 4_000, { aggregate: 'public.ticks_1h' }],
    ]);
  });
});
