import { Module } from '@nestjs/common';
import { Config } from '../config/config.js';
import { Health } from '../health/health.js';
import { AlertStore } from '../observability/alerting/alert-store.js';
import { MetricSamples } from '../observability/alerting/metric-samples.js';
import { Sources } from '../observability/collection/sources.js';
import { Logger } from '../observability/logger.js';
import { Metrics } from '../observability/metrics.js';
import { AlertRepository } from './alert.repository.js';
import { AuditRepository } from './audit.repository.js';
import { BarRepository } from './bar.repository.js';
import { Database } from './database.js';
import { DatabaseEvidence } from './database-evidence.js';
import { lostWithoutTimescale } from './dialect.js';
import { HistoryRepository } from './history.repository.js';
import { IdempotencyRepository } from './idempotency.repository.js';
import { jobProvider } from './job.providers.js';
import { LimitRepository } from './limit.repository.js';
import { MetricRepository } from './metric.repository.js';
import { MetricWriter, RiskMetricWriter } from './metric.writer.js';
import { MetricSamplesRepository } from './metric-samples.repository.js';
import { PartitionRepository } from './partitions/partition.repository.js';
import { PartitionService } from './partitions/partition.service.js';
import { PoolSource } from './pool-source.js';
import { PortfolioRepository } from './portfolio.repository.js';
import { QueryMeter } from './query-meter.js';
import { RiskEventRepository } from './risk-event.repository.js';
import { RiskEventWriter } from './risk-event.writer.js';
import { RiskMetricRepository } from './risk-metric.repository.js';
import { NativeRollupRepository } from './rollups/native-rollup.repository.js';
import { RollupRepository } from './rollups/rollup.repository.js';
import { TimescaleRollupRepository } from './rollups/timescale-rollup.repository.js';
import { SeqSource } from './seq-source.js';
import { StorageAudit } from './storage-audit.js';
import { TickRepository } from './tick.repository.js';
import { TickWriter } from './tick.writer.js';
import { WebsocketConnectionRepository } from './websocket-connection.repository.js';
import { writerProviders } from './writer.providers.js';

/** The database, migrated, before anything that uses it is made. */
const database = {
  provide: Database,
  inject: [Config, Metrics, Logger, Health],
  useFactory: async (config: Config, metrics: Metrics, logger: Logger, health: Health) => {
    const log = logger.child('store');
    const opened = await Database.open(config, metrics, ({ applied, dialect }) => {
      log.info({ applied: applied.length, dialect: dialect.dialect, reason: dialect.reason }, 'schema ready');
    });
    health.check('database', {
      required: true,
      run: async () => void (await opened.reader.query('SELECT 1')),
    });
    health.state('storage', () => ({
      status: opened.dialect,
      why: opened.branch.reason,
      ...(opened.dialect === 'native' ? { without: lostWithoutTimescale } : {}),
    }));
    return opened;
  },
};

const seqSource = {
  provide: SeqSource,
  inject: [Logger],
  useFactory: (logger: Logger) =>
    new SeqSource((error) => logger.child('store').error({ err: error }, 'announcing a commit failed')),
};

const partitions = {
  provide: PartitionService,
  inject: [Database, Logger],
  useFactory: async (db: Database, logger: Logger): Promise<PartitionService | null> => {
    if (db.dialect === 'timescale') return null;
    const service = new PartitionService(
      new PartitionRepository(db.maintenance),
      db.retention,
      logger.child('store'),
    );
    await service.start();
    return service;
  },
};

const rollups = {
  provide: RollupRepository,
  inject: [Database],
  useFactory: (db: Database): RollupRepository =>
    db.dialect === 'native' ? new NativeRollupRepository(db) : new TimescaleRollupRepository(db),
};

/** 2. Durable storage: pools, group-commit writers, repositories, roll-ups, partitions. */
@Module({
  providers: [
    database,
    seqSource,
    partitions,
    WebsocketConnectionRepository,
    ...writerProviders,
    rollups,
    jobProvider,
    PoolSource,
    {
      provide: StorageAudit,
      inject: [Database, PartitionService, RollupRepository, Metrics, Sources],
      useFactory: (...parts: ConstructorParameters<typeof StorageAudit>) => new StorageAudit(...parts),
    },
    QueryMeter,
    HistoryRepository,
    MetricRepository,
    PortfolioRepository,
    TickRepository,
    BarRepository,
    IdempotencyRepository,
    { provide: AlertStore, useClass: AlertRepository },
    { provide: MetricSamples, useClass: MetricSamplesRepository },
    DatabaseEvidence,
    AuditRepository,
    LimitRepository,
    RiskEventRepository,
    RiskMetricRepository,
  ],
  exports: [
    Database,
    TickWriter,
    MetricWriter,
    RiskMetricWriter,
    RiskEventWriter,
    WebsocketConnectionRepository,
    HistoryRepository,
    MetricRepository,
    PortfolioRepository,
    TickRepository,
    BarRepository,
    IdempotencyRepository,
    AlertStore,
    MetricSamples,
    AuditRepository,
    LimitRepository,
    RiskEventRepository,
    RiskMetricRepository,
  ],
})
export class StoreModule {}
