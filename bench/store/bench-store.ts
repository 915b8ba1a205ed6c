import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Config } from '../../src/config/config.js';
import { EventBus } from '../../src/domain/event-bus.js';
import { PostgresServer } from '../../src/embedded/postgres-server.js';
import { Logger } from '../../src/observability/logger.js';
import { Metrics } from '../../src/observability/metrics.js';
import { Database } from '../../src/store/database.js';
import { HistoryRepository } from '../../src/store/history.repository.js';
import { MetricRepository } from '../../src/store/metric.repository.js';
import { metricFault } from '../../src/store/metric.target.js';
import { MetricWriter } from '../../src/store/metric.writer.js';
import { PartitionRepository } from '../../src/store/partitions/partition.repository.js';
import { PartitionService } from '../../src/store/partitions/partition.service.js';
import { QueryMeter } from '../../src/store/query-meter.js';
import { NativeRollupRepository } from '../../src/store/rollups/native-rollup.repository.js';
import type { RollupRepository } from '../../src/store/rollups/rollup.repository.js';
import { TimescaleRollupRepository } from '../../src/store/rollups/timescale-rollup.repository.js';
import { RowBounds } from '../../src/store/row-bounds.js';
import { SeqSource } from '../../src/store/seq-source.js';
import { TickWriter } from '../../src/store/tick.writer.js';
import { WriterMeter } from '../../src/store/writer/writer-meter.js';

/** A PostgreSQL for one run of the benchmark: the embedded one in a folder of its own, or a given one. */
export interface BenchServer {
  readonly url: string;
  readonly what: string;
  stop(): Promise<void>;
}

export async function startServer(givenUrl: string | undefined): Promise<BenchServer> {
  if (givenUrl !== undefined) {
    return { url: givenUrl, what: 'the given server', stop: async () => undefined };
  }
  const dataDir = mkdtempSync(join(tmpdir(), 'tidewatch-bench-'));
  chmodSync(dataDir, 0o755);
  mkdirSync(join(dataDir, 'logs'));
  const server = await PostgresServer.prepare({
    dataDir,
    // As a server for this load would be set up; the peer writes into the same one.
    settings: { shared_buffers: '1GB', max_wal_size: '8GB' },
  });
  await server.start();
  return {
    url: server.url,
    what: 'the embedded PostgreSQL (shared_buffers 1 GB)',
    stop: async () => {
      await server.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

export interface BenchStore {
  readonly database: Database;
  readonly ticks: TickWriter;
  readonly points: MetricWriter;
  readonly history: HistoryRepository;
  readonly metricRepository: MetricRepository;
  readonly rollups: RollupRepository;
  readonly partitions: PartitionService | null;
  close(): Promise<void>;
}

/** The store without HTTP. */
export async function openBenchStore(url: string): Promise<BenchStore> {
  const metrics = new Metrics();
  const queryMeter = new QueryMeter(metrics);
  const log = Logger.silent().child('bench');
  const database = await Database.open(Config.from({ DATABASE_URL: url }), metrics);
  const seq = new SeqSource();
  let partitions: PartitionService | null = null;
  if (database.dialect === 'native') {
    partitions = new PartitionService(new PartitionRepository(database.maintenance), database.retention, log);
    await partitions.start();
  }
  const onDefect = (error: unknown): void => {
    throw error;
  };
  const shared = { pool: database.writer, seq, partitions, onDefect };
  const ticks = new TickWriter({
    ...shared,
    bus: new EventBus(),
    meter: new WriterMeter(metrics, 'ticks', log),
    bounds: new RowBounds('ticks', database.retention),
  });
  const points = new MetricWriter({
    ...shared,
    meter: new WriterMeter(metrics, 'analytics_metrics', log),
    bounds: new RowBounds('analytics_metrics', database.retention, Date.now, metricFault),
  });
  return {
    database,
    ticks,
    points,
    history: new HistoryRepository(database, queryMeter),
    metricRepository: new MetricRepository(database, queryMeter),
    rollups:
      database.dialect === 'native'
        ? new NativeRollupRepository(database)
        : new TimescaleRollupRepository(database),
    partitions,
    close: async () => {
      await Promise.all([ticks.stop(), points.stop()]);
      await database.close();
    },
  };
}
