import type { BenchStore } from './bench-store.js';
import { line, ms, percentile } from './figures.js';

const portfolios = 50;
const metricTypes = ['value', 'pnl', 'var_95', 'exposure', 'drawdown', 'sharpe', 'beta', 'volatility'];
const hours = 48;
const hourMs = 3_600_000;

export interface HistorySectionOptions {
  readonly rows: number;
  readonly runs: number;
}

/** 5-minute buckets of 10 portfolios × 8 metrics over 24 h, from the roll-ups and from the raw rows; latest with limits. */
export async function historySection(store: BenchStore, options: HistorySectionOptions): Promise<void> {
  const toMs = Math.floor(Date.now() / hourMs) * hourMs;
  const fromMs = toMs - hours * hourMs;
  console.log(
    `\nqueries over ${options.rows.toLocaleString('en')} rows (${portfolios} portfolios × 8 metrics, 48 h)`,
  );
  await load(store, options.rows, fromMs, toMs);
  const started = performance.now();
  await rollUp(store, fromMs);
  line('rolling all of it up', ms(performance.now() - started));

  const ids = Array.from({ length: 10 }, (_, i) => idOf(i * 5));
  const query = { portfolioIds: ids, fromMs: toMs - 24 * hourMs, toMs };
  const rollup = await times(options.runs, async () => {
    const page = await store.history.page({ ...query, resolution: { widthMs: 300_000 } });
    return page.series.reduce((bytes, s) => bytes + s.bucketsJson.length, 0);
  });
  line('5-minute buckets from the roll-ups: p50', ms(percentile(rollup, 0.5)));
  line(
    '                                   p95 (required < 100 ms)',
    ms(percentile(rollup, 0.95)),
    percentile(rollup, 0.95) < 100,
  );
  const raw = await times(Math.max(3, Math.round(options.runs / 10)), () => rawBuckets(store, ids, query));
  line('the same from the raw rows: p50', ms(percentile(raw, 0.5)));
  line('raw / roll-up', `${(percentile(raw, 0.5) / percentile(rollup, 0.5)).toFixed(0)} ×`);

  let turn = 0;
  const latest = await times(options.runs * 20, () =>
    store.metricRepository.latestWithLimits(idOf(turn++ % portfolios)),
  );
  line('latest metrics with limits: p50', ms(percentile(latest, 0.5)));
  line(
    '                            p95 (required < 5 ms)',
    ms(percentile(latest, 0.95)),
    percentile(latest, 0.95) < 5,
  );
}

const idOf = (n: number): string => `portfolio-${String(n).padStart(4, '0')}`;

async function times(runs: number, run: () => Promise<unknown>): Promise<number[]> {
  // Plans, caches and the compiled code of the first runs are not what is asked about.
  for (let i = 0; i < 3; i++) await run();
  const out: number[] = [];
  for (let i = 0; i < runs; i++) {
    const started = performance.now();
    await run();
    out.push(performance.now() - started);
  }
  return out;
}

/** Made by the server itself: what is timed here is the queries. */
async function load(
  { database, partitions }: BenchStore,
  rows: number,
  fromMs: number,
  toMs: number,
): Promise<void> {
  const { maintenance } = database;
  if (partitions) {
    for (const table of ['analytics_metrics', 'risk_metrics'] as const) {
      const edges = [fromMs, (fromMs + toMs) / 2, toMs].map((tsMs) => ({ tsMs }));
      await partitions.prepare(table, edges, false);
    }
  }
  await maintenance.query('TRUNCATE analytics_metrics, risk_metrics, latest_metrics, risk_limits');
  const series = portfolios * metricTypes.length;
  const generate = (table: string, first: number, last: number, of: number): string =>
    `INSERT INTO ${table} (portfolio_id, metric_type, value, "timestamp", metadata)
     SELECT 'portfolio-' || lpad(((i / 8) % ${portfolios})::text, 4, '0'),
       ('{${metricTypes.join(',')}}'::text[])[(i % 8) + 1], 100 + 10 * sin(i / 50000.0) + random(),
       to_timestamp(${fromMs / 1000} + (i / ${series}) * ${(hours * 3600) / Math.ceil(of / series)}),
       CASE WHEN i % 4 = 0 THEN '{"source":"sim"}'::jsonb END
     FROM generate_series(${first}::bigint, ${last - 1}) i`;
  const started = performance.now();
  const step = 1_000_000;
  for (let from = 0; from < rows; from += step) {
    await maintenance.query(generate('analytics_metrics', from, Math.min(rows, from + step), rows));
  }
  const riskRows = Math.min(rows, step);
  await maintenance.query(generate('risk_metrics', 0, riskRows, riskRows));
  for (const kind of ['analytics', 'risk']) {
    await maintenance.query(
      `INSERT INTO latest_metrics SELECT DISTINCT ON (portfolio_id, metric_type) '${kind}', portfolio_id, metric_type, "timestamp", value
       FROM ${kind}_metrics WHERE "timestamp" >= to_timestamp(${toMs / 1000 - 3600}) ORDER BY portfolio_id, metric_type, "timestamp" DESC`,
    );
  }
  await maintenance.query(
    `INSERT INTO risk_limits (portfolio_id, limit_type, threshold_value, warning_threshold)
     SELECT portfolio_id, metric_type, 120, 110 FROM latest_metrics WHERE kind = 'risk'`,
  );
  for (const table of ['analytics_metrics', 'risk_metrics', 'latest_metrics', 'risk_limits']) {
    await maintenance.query(`VACUUM ANALYZE ${table}`);
  }
  line('loaded and analysed in', ms(performance.now() - started));
}

async function rollUp({ database, rollups }: BenchStore, fromMs: number): Promise<void> {
  if (database.dialect === 'native') {
    // The rows came past the writer, so nothing was marked: begin before them.
    await database.maintenance.query(
      `UPDATE rollup_watermark SET rolled_up_to = to_timestamp(${fromMs / 1000}), dirty_before = to_timestamp(${fromMs / 1000})`,
    );
  }
  await rollups.refresh();
  if (database.dialect === 'native') await database.maintenance.query('VACUUM ANALYZE metrics_5m');
}

async function rawBuckets(
  { database }: BenchStore,
  ids: readonly string[],
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
): Promise<unknown> {
  return database.maintenance.query(
    `SELECT portfolio_id, metric_type, date_bin('5 minutes', "timestamp", timestamptz '2000-01-03 00:00+00') AS bucket,
       avg(value), min(value), max(value), count(*),
       (min(ARRAY[extract(epoch FROM "timestamp")::float8, value]))[2] AS first,
       (max(ARRAY[extract(epoch FROM "timestamp")::float8, value]))[2] AS last
     FROM analytics_metrics
     WHERE portfolio_id = ANY ($1) AND "timestamp" >= $2 AND "timestamp" < $3 GROUP BY 1, 2, 3`,
    [ids, new Date(fromMs), new Date(toMs)],
  );
}
