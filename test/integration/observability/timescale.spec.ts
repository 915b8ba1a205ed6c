import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import postgresCollectors from '../../../collectors/postgres/postgres.collector.js';
import type { CollectorDefinition } from '../../../src/observability/collection/collector.js';
import { CollectorPool } from '../../../src/observability/collection/collector-database.js';
import { dryRun } from '../../../src/observability/collection/dry-run.js';
import { seriesOf } from '../../../src/observability/collection/rehearsal.js';
import { Sources } from '../../../src/observability/collection/sources.js';

/** A superuser's URL of a server that has preloaded TimescaleDB; the test makes a database there and drops it.
 * Without one the file is no part of the run (jest.config.mjs). */
const server = process.env.TIMESCALE_URL;
if (server === undefined) throw new Error('TIMESCALE_URL is to name a server with TimescaleDB');

const schema = `
  CREATE EXTENSION timescaledb;
  CREATE TABLE ticks (ts timestamptz NOT NULL, symbol text NOT NULL, price float8 NOT NULL);
  SELECT create_hypertable('ticks', 'ts', chunk_time_interval => interval '1 day');
  INSERT INTO ticks SELECT now() - i * interval '1 hour', 'S' || i % 3, i FROM generate_series(0, 95) i;
  ALTER TABLE ticks SET (timescaledb.compress, timescaledb.compress_segmentby = 'symbol');
  SELECT compress_chunk(c) FROM show_chunks('ticks', older_than => interval '3 days') c;
  SELECT add_retention_policy('ticks', interval '30 days')`;

describe('the postgres collectors on TimescaleDB', () => {
  const name = `tw_${randomBytes(8).toString('hex')}`;
  let url: string;
  let pool: CollectorPool;
  let series: Readonly<Record<string, number>>;

  const on = async (database: string, ...statements: readonly string[]) => {
    const client = new pg.Client(database);
    await client.connect();
    try {
      for (const statement of statements) await client.query(statement);
    } finally {
      await client.end();
    }
  };

  beforeAll(async () => {
    await on(server, `CREATE DATABASE ${name} TEMPLATE template0`);
    url = server.replace(/\/[^/]*$/, `/${name}`);
    await on(
      url,
      ...schema.split(';\n'),
      `CREATE MATERIALIZED VIEW hourly WITH (timescaledb.continuous) AS
       SELECT time_bucket('1 hour', ts) AS bucket, symbol, last(price, ts) AS price FROM ticks GROUP BY 1, 2
       WITH NO DATA`,
      "CALL refresh_continuous_aggregate('hourly', NULL, now() - interval '2 hours')",
      'ANALYZE',
    );
    pool = new CollectorPool(url, () => {});
    const definitions = postgresCollectors as unknown as readonly CollectorDefinition[];
    const runs = [];
    for (const definition of definitions) {
      runs.push(
        await dryRun(definition, {
          clients: { pool, redis: null, sources: new Sources() },
          log: { debug() {}, info() {}, warn() {} },
        }),
      );
    }
    // Statements need pg_stat_statements in the very database.
    expect(runs.map(({ outcome, error }) => ({ outcome, error }))).toEqual([
      { outcome: 'success', error: null },
      { outcome: 'no_data', error: null },
      { outcome: 'success', error: null },
    ]);
    series = Object.assign({}, ...runs.map(seriesOf));
  });
  afterAll(async () => {
    await pool.end();
    await on(server, `DROP DATABASE ${name} WITH (FORCE)`);
  });

  it('count the chunks of a hypertable, and those that are compressed', () => {
    expect(series['tidewatch_postgres_partitions{table="public.ticks"}']).toBeGreaterThanOrEqual(4);
    expect(
      series['tidewatch_postgres_timescale_compressed_chunks{table="public.ticks"}'],
    ).toBeGreaterThanOrEqual(1);
  });

  it('say how far a continuous aggregate is behind', () => {
    const lag = series['tidewatch_postgres_timescale_aggregate_lag_seconds{aggregate="public.hourly"}'];
    expect(lag).toBeGreaterThan(3_600);
    expect(lag).toBeLessThan(4 * 3_600);
  });

  it('name the jobs, those that have not run yet too', () => {
    const jobs = Object.keys(series).filter((key) => key.includes('job="policy_retention ticks'));
    expect(jobs.filter((key) => key.includes('failures_total')).map((key) => series[key])).toEqual([0]);
  });

  it('add the chunks up under the table that applications name, and leave the catalogue out', () => {
    const tables = Object.keys(series)
      .filter((key) => key.startsWith('tidewatch_postgres_table_live_rows'))
      .map((key) => /table="([^"]+)"/.exec(key)?.[1]);
    expect(tables).toContain('public.ticks');
    expect(tables.filter((table) => /^_timescaledb_(?!internal)/.test(table ?? ''))).toEqual([]);
    expect(series['tidewatch_postgres_table_live_rows{table="public.ticks"}']).toBeGreaterThan(0);
  });
});
