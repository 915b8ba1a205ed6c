import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import pg from 'pg';
import pool from '../../../collectors/pool/pool.collector.js';
import postgresCollectors from '../../../collectors/postgres/postgres.collector.js';
import redisCollector from '../../../collectors/redis/redis.collector.js';
import redisMemory from '../../../collectors/redis-memory/redis-memory.collector.js';
import { parsePrometheusText } from '../../../collectors/scrape/prometheus-text.js';
import type { CollectorDefinition } from '../../../src/observability/collection/collector.js';
import { CollectorPool } from '../../../src/observability/collection/collector-database.js';
import { dryRun } from '../../../src/observability/collection/dry-run.js';
import { seriesOf } from '../../../src/observability/collection/rehearsal.js';
import { Sources } from '../../../src/observability/collection/sources.js';
import { postgres, redisUrl } from '../../harness/index.js';

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  return port;
}

/** An exporter of Debian's, beside ours. */
class Exporter {
  private constructor(
    private readonly child: ChildProcess,
    private readonly url: string,
  ) {}

  static async start(program: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    const port = await freePort();
    const child = spawn(program, [`--web.listen-address=127.0.0.1:${port}`, ...args], {
      env: { PATH: process.env.PATH ?? '', ...env },
      stdio: 'ignore',
    });
    const exporter = new Exporter(child, `http://127.0.0.1:${port}/metrics`);
    for (let i = 0; i < 100; i++, await sleep(50))
      if ((await exporter.scrape().catch(() => '')) !== '') return exporter;
    throw new Error(`${program} does not answer`);
  }

  async scrape(): Promise<string> {
    return (await fetch(this.url)).text();
  }

  /** One number of one series. */
  static value(text: string, name: string, labels: Readonly<Record<string, string>> = {}): number {
    for (const sample of parsePrometheusText(text, new Set([name]))) {
      if (Object.entries(labels).every(([label, value]) => sample.labels[label] === value))
        return sample.value;
    }
    return Number.NaN;
  }

  async stop(): Promise<void> {
    this.child.kill();
    if (this.child.exitCode === null) await once(this.child, 'exit');
  }
}

/** Ours before and after theirs: what moves in between lies between, what does not is equal. */
async function bracket(ours: () => Promise<Readonly<Record<string, number>>>, theirs: () => Promise<string>) {
  const before = await ours();
  const text = await theirs();
  const after = await ours();
  return (our: string, their: string, labels: Readonly<Record<string, string>> = {}, scale = 1) => {
    const value = Exporter.value(text, their, labels) * scale;
    const low = Math.min(before[our] ?? Number.NaN, after[our] ?? Number.NaN);
    const high = Math.max(before[our] ?? Number.NaN, after[our] ?? Number.NaN);
    expect({ [our]: low <= value && value <= high, low, value, high }).toEqual({
      [our]: true,
      low,
      value,
      high,
    });
  };
}

const log = { debug() {}, info() {}, warn() {} };

describe('pool and postgres beside prometheus-postgres-exporter', () => {
  let exporter: Exporter;
  let connections: CollectorPool;
  let database: string;
  const clients: pg.Client[] = [];

  beforeAll(async () => {
    const url = await postgres().freshDatabase();
    database = new URL(url).pathname.slice(1);
    const connect = async () => {
      const client = new pg.Client(url);
      await client.connect();
      clients.push(client);
      return client;
    };
    const [holder, waiter] = [await connect(), await connect()];
    await holder.query('CREATE TABLE orders (id serial PRIMARY KEY, note text)');
    await holder.query("INSERT INTO orders (note) SELECT 'n' || i FROM generate_series(1, 2000) i");
    await holder.query('UPDATE orders SET note = note WHERE id % 3 = 0');
    await holder.query('BEGIN; LOCK TABLE orders IN ACCESS EXCLUSIVE MODE');
    waiter.query('SELECT count(*) FROM orders').catch(() => undefined);
    exporter = await Exporter.start('prometheus-postgres-exporter', [], {
      DATA_SOURCE_NAME: `${url}?sslmode=disable`,
    });
    connections = new CollectorPool(url, () => {});
    // Backends report their counters a second after they made them.
    await sleep(1_500);
  });
  afterAll(async () => {
    await clients[0]?.query('ROLLBACK');
    await Promise.all(clients.map((client) => client.end()));
    await connections.end();
    await exporter.stop();
  });

  const ours = async () => {
    const definitions = [postgresCollectors[0], pool] as unknown as CollectorDefinition[];
    const runs = await Promise.all(
      definitions.map((definition) =>
        dryRun(definition, { clients: { pool: connections, redis: null, sources: new Sources() }, log }),
      ),
    );
    for (const run of runs) expect(run).toMatchObject({ outcome: 'success' });
    return Object.assign({}, ...runs.map(seriesOf)) as Record<string, number>;
  };

  it('agrees', async () => {
    const agree = await bracket(ours, () => exporter.scrape());
    const here = { datname: database };
    agree('tidewatch_postgres_transactions_total{outcome="commit"}', 'pg_stat_database_xact_commit', here);
    agree(
      'tidewatch_postgres_transactions_total{outcome="rollback"}',
      'pg_stat_database_xact_rollback',
      here,
    );
    agree('tidewatch_postgres_blocks_total{source="cache"}', 'pg_stat_database_blks_hit', here);
    agree('tidewatch_postgres_blocks_total{source="disk"}', 'pg_stat_database_blks_read', here);
    for (const operation of ['returned', 'fetched', 'inserted', 'updated', 'deleted']) {
      agree(
        `tidewatch_postgres_rows_total{operation="${operation}"}`,
        `pg_stat_database_tup_${operation}`,
        here,
      );
    }
    agree('tidewatch_postgres_deadlocks_total', 'pg_stat_database_deadlocks', here);
    agree('tidewatch_postgres_temp_bytes_total', 'pg_stat_database_temp_bytes', here);
    agree('tidewatch_postgres_database_size_bytes', 'pg_database_size_bytes', here);
    agree('tidewatch_postgres_max_connections', 'pg_settings_max_connections');
    for (const mode of ['AccessExclusiveLock', 'ShareLock', 'RowExclusiveLock', 'SIReadLock']) {
      agree(`tidewatch_postgres_locks{mode="${mode}"}`, 'pg_locks_count', {
        ...here,
        mode: mode.toLowerCase(),
      });
    }
    agree('tidewatch_postgres_backends{state="idle in transaction"}', 'pg_stat_activity_count', {
      ...here,
      state: 'idle in transaction',
    });
    agree(
      'tidewatch_pool_server_backends{owner="others",state="idle_in_transaction"}',
      'pg_stat_activity_count',
      { ...here, state: 'idle in transaction' },
    );
  });

  it('sees who waits for whom', async () => {
    const series = await ours();
    expect(series.tidewatch_postgres_lock_waiters).toBe(1);
    expect(series['tidewatch_postgres_locks{mode="AccessExclusiveLock"}']).toBe(1);
  });
});

describe('redis and redis-memory beside prometheus-redis-exporter', () => {
  let exporter: Exporter;
  let client: Redis;
  let index: string;

  beforeAll(async () => {
    const url = await redisUrl();
    index = new URL(url).pathname.slice(1);
    client = new Redis(url);
    // Large enough that a connection more or less does not matter.
    for (let i = 0; i < 200; i++) await client.set(`session:${i}`, 'x'.repeat(100_000), 'EX', 1_000);
    await client.set('permanent', '1');
    await client.get('permanent');
    await client.get('nothing');
    const { username, password, host } = new URL(url);
    exporter = await Exporter.start('prometheus-redis-exporter', [
      `--redis.addr=redis://${host}`,
      ...(username === '' ? [] : [`--redis.user=${username}`]),
      ...(password === '' ? [] : [`--redis.password=${password}`]),
    ]);
  });
  afterAll(async () => {
    client.disconnect();
    await exporter.stop();
  });

  const ours = async () => {
    const runs = await Promise.all(
      ([redisMemory, redisCollector] as unknown as CollectorDefinition[]).map((definition) =>
        dryRun(definition, {
          clients: { pool: null, redis: { client, mode: 'external' }, sources: new Sources() },
          log,
        }),
      ),
    );
    for (const run of runs) expect(run).toMatchObject({ outcome: 'success', error: null });
    return Object.assign({}, ...runs.map(seriesOf)) as Record<string, number>;
  };

  it('agrees', async () => {
    const agree = await bracket(ours, () => exporter.scrape());
    agree('tidewatch_redis_memory_peak_bytes', 'redis_memory_used_peak_bytes');
    agree('tidewatch_redis_evicted_keys_total', 'redis_evicted_keys_total');
    agree('tidewatch_redis_expired_keys_total', 'redis_expired_keys_total');
    agree('tidewatch_redis_keyspace_hits_total', 'redis_keyspace_hits_total');
    agree('tidewatch_redis_keyspace_misses_total', 'redis_keyspace_misses_total');
    agree('tidewatch_redis_server_commands_total', 'redis_commands_processed_total');
    agree('tidewatch_redis_server_connections_total', 'redis_connections_received_total');
    agree('tidewatch_redis_rejected_connections_total', 'redis_rejected_connections_total');
    agree('tidewatch_redis_network_bytes_total{direction="in"}', 'redis_net_input_bytes_total');
    agree('tidewatch_redis_uptime_seconds', 'redis_uptime_in_seconds');
  });

  it('agrees on what moves with every reading, within what moved', async () => {
    const [series, text] = [await ours(), await exporter.scrape()];
    for (const [our, their] of [
      ['tidewatch_redis_memory_used_bytes', 'redis_memory_used_bytes'],
      ['tidewatch_redis_memory_rss_bytes', 'redis_memory_used_rss_bytes'],
      ['tidewatch_redis_memory_fragmentation_ratio', 'redis_mem_fragmentation_ratio'],
    ] as const) {
      const ratio = (series[our] as number) / Exporter.value(text, their);
      expect({ [our]: ratio > 0.9 && ratio < 1.1, ratio }).toEqual({ [our]: true, ratio });
    }
    expect(series['tidewatch_redis_clients{state="connected"}']).toBeGreaterThanOrEqual(1);
    const keys = Exporter.value(text, 'redis_db_keys', { db: `db${index}` });
    expect(keys).toBe(201);
    expect(series['tidewatch_redis_group_keys{group="session"}']).toBe(200);
    expect(series['tidewatch_redis_keys{expiry="expiring"}']).toBeGreaterThanOrEqual(200);
  });
});
