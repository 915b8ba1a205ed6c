import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { Config } from '../../src/config/config.js';
import type { SettingName } from '../../src/config/schema.js';
import { EventBus } from '../../src/domain/event-bus.js';
import { Logger } from '../../src/observability/logger.js';
import { Metrics } from '../../src/observability/metrics.js';
import { BarRepository } from '../../src/store/bar.repository.js';
import { Database } from '../../src/store/database.js';
import type { Dialect } from '../../src/store/dialect.js';
import { HistoryRepository } from '../../src/store/history.repository.js';
import { MetricRepository } from '../../src/store/metric.repository.js';
import { metricFault } from '../../src/store/metric.target.js';
import { MetricWriter, RiskMetricWriter } from '../../src/store/metric.writer.js';
import { PartitionRepository } from '../../src/store/partitions/partition.repository.js';
import { PartitionService } from '../../src/store/partitions/partition.service.js';
import { PortfolioRepository } from '../../src/store/portfolio.repository.js';
import { QueryMeter } from '../../src/store/query-meter.js';
import { NativeRollupRepository } from '../../src/store/rollups/native-rollup.repository.js';
import type { RollupRepository } from '../../src/store/rollups/rollup.repository.js';
import { TimescaleRollupRepository } from '../../src/store/rollups/timescale-rollup.repository.js';
import { RowBounds } from '../../src/store/row-bounds.js';
import { SeqSource } from '../../src/store/seq-source.js';
import { TickRepository } from '../../src/store/tick.repository.js';
import { TickWriter } from '../../src/store/tick.writer.js';
import type { RowWriterLimits } from '../../src/store/writer/row-writer.js';
import { WriterMeter } from '../../src/store/writer/writer-meter.js';
import { postgres } from './servers.js';

/** A server on which the contract of the store is checked. */
export interface StoreBranch {
  readonly dialect: Dialect;
  freshDatabase(): Promise<string>;
}

/**
 * Plain PostgreSQL always; TimescaleDB when `TIMESCALE_URL` names a server that has preloaded it (a superuser's URL: the
 * tests make databases there and drop them).
 */
export function storeBranches(): StoreBranch[] {
  const native: StoreBranch = { dialect: 'native', freshDatabase: () => postgres().freshDatabase() };
  const url = process.env.TIMESCALE_URL;
  if (!url) return [native];
  return [native, { dialect: 'timescale', freshDatabase: () => freshDatabaseOn(url) }];
}

async function freshDatabaseOn(url: string): Promise<string> {
  const name = `tw_${randomBytes(8).toString('hex')}`;
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(`CREATE DATABASE ${name} TEMPLATE template0`);
  await client.end();
  return url.replace(/\/[^/]*$/, `/${name}`);
}

/** Removes a database that {@link StoreBranch.freshDatabase} made on a TimescaleDB server; its workers never stop by themselves. */
async function dropDatabase(databaseUrl: string): Promise<void> {
  const name = new URL(databaseUrl).pathname.slice(1);
  const client = new pg.Client({ connectionString: process.env.TIMESCALE_URL });
  await client.connect();
  await client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
  await client.end();
}

export interface TestStore {
  readonly url: string;
  readonly database: Database;
  readonly metrics: Metrics;
  readonly bus: EventBus;
  readonly seq: SeqSource;
  readonly partitions: PartitionService | null;
  readonly ticks: TickWriter;
  readonly points: MetricWriter;
  readonly riskPoints: RiskMetricWriter;
  readonly tickRepository: TickRepository;
  readonly portfolios: PortfolioRepository;
  readonly bars: BarRepository;
  readonly history: HistoryRepository;
  readonly metricRepository: MetricRepository;
  readonly rollups: RollupRepository;
  /** Ticks stored. */
  countTicks(): Promise<number>;
  /** Stops the writers and the pools; `drop` also removes a database on TimescaleDB. */
  close(drop?: boolean): Promise<void>;
}

/** The store without the rest of the application. */
export async function openStore(
  url: string,
  settings: Partial<Record<SettingName, string>> = {},
  limits: Partial<RowWriterLimits> = {},
): Promise<TestStore> {
  const config = Config.from({ DATABASE_URL: url, LOG_LEVEL: 'silent', ...settings });
  const metrics = new Metrics();
  const log = Logger.silent().child('store');
  const database = await Database.open(config, metrics);
  const bus = new EventBus((_, error) => {
    throw error;
  });
  const seq = new SeqSource();
  let partitions: PartitionService | null = null;
  if (database.dialect === 'native') {
    partitions = new PartitionService(new PartitionRepository(database.maintenance), database.retention, log);
    await partitions.start();
  }
  const queryMeter = new QueryMeter(metrics);
  const defects: unknown[] = [];
  const shared = {
    pool: database.writer,
    seq,
    partitions,
    limits,
    onDefect: (e: unknown) => defects.push(e),
  };
  const metricBounds = (table: 'analytics_metrics' | 'risk_metrics') =>
    new RowBounds(table, database.retention, Date.now, metricFault);
  const meter = (writer: 'ticks' | 'analytics_metrics' | 'risk_metrics') =>
    new WriterMeter(metrics, writer, log);
  const ticks = new TickWriter({
    ...shared,
    bus,
    meter: meter('ticks'),
    bounds: new RowBounds('ticks', database.retention),
  });
  const points = new MetricWriter({
    ...shared,
    meter: meter('analytics_metrics'),
    bounds: metricBounds('analytics_metrics'),
  });
  const riskPoints = new RiskMetricWriter({
    ...shared,
    meter: meter('risk_metrics'),
    bounds: metricBounds('risk_metrics'),
  });
  return {
    url,
    database,
    metrics,
    bus,
    seq,
    partitions,
    ticks,
    points,
    riskPoints,
    tickRepository: new TickRepository(database, queryMeter),
    portfolios: new PortfolioRepository(database, seq, bus),
    bars: new BarRepository(database),
    history: new HistoryRepository(database, queryMeter),
    metricRepository: new MetricRepository(database, queryMeter),
    rollups:
      database.dialect === 'native'
        ? new NativeRollupRepository(database)
        : new TimescaleRollupRepository(database),
    async countTicks() {
      const { rows } = await database.reader.query<{ n: number }>('SELECT count(*)::int AS n FROM ticks');
      return rows[0]?.n ?? 0;
    },
    async close(drop = true) {
      await Promise.all([ticks.stop(), points.stop(), riskPoints.stop()]);
      await database.close();
      if (drop && database.dialect === 'timescale') await dropDatabase(url);
      if (defects.length > 0) throw defects[0];
    },
  };
}
