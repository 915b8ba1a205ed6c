import type { MigrationInterface, QueryRunner } from 'typeorm';
import { createIndex, onTimescale } from './time-table.js';

/** Each level is built from the one before it; the first from the raw rows. */
const levels = [
  { table: 'metrics_1m', width: '1 minute', from: 'analytics_metrics' },
  { table: 'metrics_5m', width: '5 minutes', from: 'metrics_1m' },
  { table: 'metrics_1h', width: '1 hour', from: 'metrics_5m' },
  { table: 'metrics_1d', width: '1 day', from: 'metrics_1h' },
] as const;

/**
 * Roll-ups of `analytics_metrics` as mergeable states: sums and counts, never averages of averages. The same names and
 * columns on both branches: continuous aggregates (hierarchical, real-time), or tables kept by the server from a set of
 * touched minutes.
 */
export class CreateRollups1763800000008 implements MigrationInterface {
  name = 'CreateRollups1763800000008';

  async up(runner: QueryRunner): Promise<void> {
    if (await onTimescale(runner)) await this.aggregates(runner);
    else await this.tables(runner);
  }

  async down(runner: QueryRunner): Promise<void> {
    const timescale = await onTimescale(runner);
    for (const { table } of [...levels].reverse()) {
      await runner.query(`DROP ${timescale ? 'MATERIALIZED VIEW' : 'TABLE'} ${table}`);
    }
    if (!timescale) await runner.query('DROP TABLE rollup_dirty, rollup_watermark');
  }

  private async aggregates(runner: QueryRunner): Promise<void> {
    for (const { table, width, from } of levels) {
      const raw = from === 'analytics_metrics';
      // first() and last() pick any of several rows of the same time; these pick the smallest and the largest value,
      // as the other branch does.
      const [ts, value] = raw ? ['"timestamp"', 'value'] : ['first_ts', 'first'];
      const [lastTs, lastValue] = raw ? [ts, value] : ['last_ts', 'last'];
      const [n, sum, min, max] = raw ? ['count(*)', value, value, value] : ['sum(n)', 'sum', 'min', 'max'];
      const state = `${n}::bigint AS n, sum(${sum}) AS sum, min(${min}) AS min, max(${max}) AS max,
        min(${ts}) AS first_ts, (min(ARRAY[extract(epoch FROM ${ts})::double precision, ${value}]))[2] AS first,
        max(${lastTs}) AS last_ts, (max(ARRAY[extract(epoch FROM ${lastTs})::double precision, ${lastValue}]))[2] AS last`;
      // materialized_only is true by default, which would hide everything newer than the last refresh.
      await runner.query(`CREATE MATERIALIZED VIEW ${table}
        WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
        SELECT portfolio_id, metric_type, time_bucket(INTERVAL '${width}', ${raw ? '"timestamp"' : 'bucket'}) AS bucket, ${state}
        FROM ${from} GROUP BY 1, 2, 3 WITH NO DATA`);
    }
  }

  private async tables(runner: QueryRunner): Promise<void> {
    for (const { table } of levels) {
      await runner.query(`CREATE TABLE ${table} (
        portfolio_id text NOT NULL,
        metric_type text NOT NULL,
        bucket timestamptz NOT NULL,
        n bigint NOT NULL,
        sum double precision NOT NULL,
        min double precision NOT NULL,
        max double precision NOT NULL,
        first_ts timestamptz NOT NULL,
        first double precision NOT NULL,
        last_ts timestamptz NOT NULL,
        last double precision NOT NULL,
        PRIMARY KEY (portfolio_id, metric_type, bucket)) WITH (fillfactor = 80)`);
    }
    // A log without a key: two flushes never wait for each other over the same minute.
    await runner.query('CREATE TABLE rollup_dirty (portfolio_id text NOT NULL, bucket timestamptz NOT NULL)');
    await createIndex(
      runner,
      'rollup_dirty_portfolio',
      'rollup_dirty (portfolio_id, bucket)',
      'whether a stored bucket is stale: minutes touched by late rows and not yet rolled up again',
    );
    await runner.query(`CREATE TABLE rollup_watermark (
      one_row boolean PRIMARY KEY DEFAULT true CHECK (one_row),
      rolled_up_to timestamptz NOT NULL,
      dirty_before timestamptz NOT NULL CHECK (dirty_before >= rolled_up_to))`);
    await runner.query(
      "COMMENT ON COLUMN rollup_watermark.dirty_before IS 'Writers mark the minutes of older rows; it moves ahead of rolled_up_to while a roll-up runs'",
    );
    await runner.query(
      `INSERT INTO rollup_watermark (rolled_up_to, dirty_before)
       VALUES (date_trunc('minute', now()), date_trunc('minute', now()))`,
    );
  }
}
