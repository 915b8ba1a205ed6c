import { z } from 'zod';
import {
  type CollectorContext,
  defineCollector,
  NoData,
} from '../../src/observability/collection/collector.js';
import { collectActivity, collectLocks } from './activity.js';
import * as m from './postgres.metrics.js';
import { collectCheckpoints, collectDatabase, collectWal } from './server.js';
import { type StatementTotals, shortened, statementDeltas } from './statements.js';
import { collectPartitions, collectTables } from './tables.js';
import { collectTimescale } from './timescale.js';

const noDatabase = () => new NoData('this process has no database');

const server = defineCollector({
  manifest: {
    name: 'postgres',
    description: 'The PostgreSQL server: activity, locks, transactions, cache, write-ahead log, checkpoints.',
    config: z.strictObject({}),
    metrics: m.serverMetrics,
    intervalMs: 15_000,
    timeoutMs: 8_000,
    budget: { dbMs: 250, redisCommands: 0, eventLoopMs: 10, samples: 80 },
    burst: { alerts: ['Query*', 'Pool*', 'Connections*', 'Database*', 'Writer*'], intervalMs: 3_000 },
  },
  create: ({ database, metrics, attempt }: CollectorContext) => ({
    async collect() {
      if (database === null) throw noDatabase();
      // The first query is not a part: without it the server is away, and so is everything else.
      const version = await collectDatabase(database, metrics);
      await attempt('activity', () => collectActivity(database, metrics));
      await attempt('locks', () => collectLocks(database, metrics));
      await attempt('wal', () => collectWal(database, metrics));
      await attempt('checkpoints', () => collectCheckpoints(database, metrics, version));
    },
  }),
});

const statementConfig = z.strictObject({
  /** Statements reported: those that took most time since the run before. */
  top: z.number().int().min(1).max(20).default(10),
});

/** Totals without texts: with thousands of statements, their texts are hundreds of megabytes. */
const totalsSql = `
  SELECT queryid::text AS id, sum(calls)::float8 AS calls, sum(total_exec_time)::float8 AS total_ms
  FROM pg_stat_statements(false)
  WHERE queryid IS NOT NULL AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
  GROUP BY 1 LIMIT 10000`;

/** Texts kept, so that each is read once. */
const maxTexts = 200;

const textsSql = `
  SELECT DISTINCT ON (queryid) queryid::text AS id, left(query, 400) AS text
  FROM pg_stat_statements WHERE queryid = ANY($1::bigint[])`;

const statements = defineCollector({
  manifest: {
    name: 'postgres-statements',
    description: 'The SQL statements that took most time since the run before, from pg_stat_statements.',
    config: statementConfig,
    metrics: m.statementMetrics,
    intervalMs: 30_000,
    timeoutMs: 8_000,
    budget: { dbMs: 400, redisCommands: 0, eventLoopMs: 30, samples: 100 },
    burst: { alerts: ['Query*', 'Pool*', 'Database*', 'Writer*'], intervalMs: 5_000 },
  },
  create: (context: CollectorContext<z.output<typeof statementConfig>>) => {
    const texts = new Map<string, string>();
    let before: { readonly totals: ReadonlyMap<string, StatementTotals>; readonly atMs: number } | null =
      null;
    return {
      async collect() {
        const { database, metrics, clock } = context;
        if (database === null) throw noDatabase();
        const [installed] = await database.query(
          `SELECT 1 FROM pg_extension WHERE extname = 'pg_stat_statements'`,
        );
        if (installed === undefined) throw new NoData('the extension pg_stat_statements is not installed');
        const rows = await database.query<{ id: string; calls: number; total_ms: number }>(totalsSql);
        const totals = new Map(
          rows.map(({ id, calls, total_ms: totalMs }) => [id, { id, calls, totalMs }] as const),
        );
        const now = { totals, atMs: clock.nowMs() };
        metrics.set(m.statementsTracked, totals.size);
        if (before !== null) await report(context, before, now, texts);
        before = now;
      },
    };
  },
});

async function report(
  { database, metrics, config }: CollectorContext<z.output<typeof statementConfig>>,
  before: { readonly totals: ReadonlyMap<string, StatementTotals>; readonly atMs: number },
  now: { readonly totals: ReadonlyMap<string, StatementTotals>; readonly atMs: number },
  known: Map<string, string>,
): Promise<void> {
  const seconds = (now.atMs - before.atMs) / 1000;
  const top = statementDeltas(before.totals, now.totals).slice(0, config.top);
  if (top.length === 0 || seconds <= 0) return;
  await learnTexts(
    database,
    top.map(({ id }) => id),
    known,
  );
  for (const { id, calls, totalMs } of top) {
    metrics.set(m.statementSeconds, totalMs / 1000 / seconds, { query_id: id });
    metrics.set(m.statementCalls, calls / seconds, { query_id: id });
    metrics.set(m.statementMean, totalMs / 1000 / calls, { query_id: id });
  }
  for (const { id } of top) {
    const text = known.get(id);
    if (text !== undefined) metrics.set(m.statementInfo, 1, { query_id: id, text });
  }
}

/** Texts never change, and reading them is what costs: each is read once. */
async function learnTexts(
  database: CollectorContext['database'],
  ids: readonly string[],
  known: Map<string, string>,
): Promise<void> {
  const missing = ids.filter((id) => !known.has(id));
  if (missing.length === 0) return;
  if (known.size > maxTexts) known.clear();
  const texts = (await database?.query<{ id: string; text: string }>(textsSql, [missing])) ?? [];
  for (const { id, text } of texts) known.set(id, shortened(text));
}

const tables = defineCollector({
  manifest: {
    name: 'postgres-tables',
    description:
      'Tables and partitions: size, rows, scans, vacuum, partitions ahead; TimescaleDB jobs and aggregates.',
    config: z.strictObject({}),
    metrics: m.tableMetrics,
    intervalMs: 60_000,
    timeoutMs: 20_000,
    budget: { dbMs: 1_500, redisCommands: 0, eventLoopMs: 30, samples: 600 },
    burst: { alerts: ['Partitions*', 'Rollup*', 'Writer*'], intervalMs: 15_000 },
  },
  create: ({ database, metrics, clock, attempt }: CollectorContext) => ({
    async collect() {
      if (database === null) throw noDatabase();
      await attempt('tables', () => collectTables(database, metrics));
      await attempt('partitions', () => collectPartitions(database, metrics, clock.nowMs()));
      await attempt('timescaledb', () => collectTimescale(database, metrics));
    },
  }),
});

export default [server, statements, tables];
