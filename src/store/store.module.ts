import { Module } from '@nestjs/common';
import { Config } from '../config/config.js';
import { EventBus } from '../domain/event-bus.js';
import { Health } from '../health/health.js';
import { Lifecycle } from '../lifecycle/lifecycle.js';
import { AlertStore } from '../observability/alerting/alert-store.js';
import { MetricSamples } from '../observability/alerting/metric-samples.js';
import { partitionsAhead, rollupDirty, rollupLag } from '../observability/catalogue/store.js';
import { Sources } from '../observability/collection/sources.js';
import { Logger } from '../observability/logger.js';
import { Metrics } from '../observability/metrics.js';
import { AlertRepository } from './alert.repository.js';
import { AuditRepository } from './audit.repository.js';
import { BarRepository } from './bar.repository.js';
import { cleanUp } from './clean-up.js';
import { Database } from './database.js';
import { DatabaseEvidence } from './database-evidence.js';
import { IdempotencyRepository } from './idempotency.repository.js';
import { LimitRepository } from './limit.repository.js';
import { MetricRepository } from './metric.repository.js';
import { metricFault } from './metric.target.js';
import { MetricWriter, RiskMetricWriter } from './metric.writer.js';
import { MetricSamplesRepository } from './metric-samples.repository.js';
import { PartitionRepository } from './partitions/partition.repository.js';
import { PartitionService } from './partitions/partition.service.js';
import { PoolSource } from './pool-source.js';
import { PortfolioRepository } from './portfolio.repository.js';
import { QueryMeter } from './query-meter.js';
import { timeTables } from './retention.js';
import { RiskEventRepository } from './risk-event.repository.js';
import { RiskEventWriter } from './risk-event.writer.js';
import { RiskMetricRepository } from './risk-metric.repository.js';
import { NativeRollupRepository } from './rollups/native-rollup.repository.js';
import { RollupRepository } from './rollups/rollup.repository.js';
import { TimescaleRollupRepository } from './rollups/timescale-rollup.repository.js';
import { RowBounds } from './row-bounds.js';
import { SeqSource } from './seq-source.js';
import { StorageAudit } from './storage-audit.js';
import { type StoreJob, StoreJobs } from './store-jobs.js';
import { TickRepository } from './tick.repository.js';
import { TickWriter } from './tick.writer.js';
import { WebsocketConnectionRepository } from './websocket-connection.repository.js';
import { sampleConnections, WebsocketMetricWriter } from './websocket-metric.writer.js';
import { WriterMeter } from './writer/writer-meter.js';

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
    health.state('storage', () => ({ status: opened.dialect, why: opened.branch.reason }));
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

const tickWriter = {
  provide: TickWriter,
  inject: [Database, SeqSource, EventBus, PartitionService, Config, Metrics, Logger, Lifecycle],
  useFactory: (
    db: Database,
    seq: SeqSource,
    bus: EventBus,
    parts: PartitionService | null,
    config: Config,
    metrics: Metrics,
    logger: Logger,
    lifecycle: Lifecycle,
  ) => {
    const log = logger.child('store');
    const writer = new TickWriter({
      pool: db.writer,
      seq,
      bus,
      meter: new WriterMeter(metrics, 'ticks', log),
      bounds: new RowBounds('ticks', db.retention),
      partitions: parts,
      limits: limitsOf(config, db),
      onDefect: (error) => log.error({ err: error }, 'a batch of ticks failed'),
    });
    lifecycle.onShutdown('flush', 'ticks', () => writer.stop());
    return writer;
  },
};

function metricWriter<W extends MetricWriter | RiskMetricWriter>(
  writerClass: new (...args: ConstructorParameters<typeof MetricWriter>) => W,
  table: 'analytics_metrics' | 'risk_metrics',
) {
  return {
    provide: writerClass,
    inject: [Database, SeqSource, PartitionService, Config, Metrics, Logger, Lifecycle],
    useFactory: (
      db: Database,
      seq: SeqSource,
      parts: PartitionService | null,
      config: Config,
      metrics: Metrics,
      logger: Logger,
      lifecycle: Lifecycle,
    ) => {
      const log = logger.child('store');
      const writer = new writerClass({
        pool: db.writer,
        seq,
        meter: new WriterMeter(metrics, table, log),
        bounds: new RowBounds(table, db.retention, Date.now, metricFault),
        partitions: parts,
        limits: limitsOf(config, db),
        onDefect: (error) => log.error({ err: error, table }, 'a batch of metrics failed'),
      });
      lifecycle.onShutdown('flush', table, () => writer.stop());
      return writer;
    },
  };
}

const limitsOf = (config: Config, db: Database) => ({
  maxBufferRows: config.get('INGEST_BUFFER_MAX_ROWS'),
  concurrency: db.writer.max,
});

const riskEventWriter = {
  provide: RiskEventWriter,
  inject: [Database, SeqSource, PartitionService, Config, Metrics, Logger, Lifecycle],
  useFactory: (
    db: Database,
    seq: SeqSource,
    parts: PartitionService | null,
    config: Config,
    metrics: Metrics,
    logger: Logger,
    lifecycle: Lifecycle,
  ) => {
    const log = logger.child('store');
    const writer = new RiskEventWriter(
      {
        pool: db.writer,
        seq,
        meter: new WriterMeter(metrics, 'risk_events', log),
        limits: limitsOf(config, db),
        onDefect: (error) => log.error({ err: error }, 'a batch of risk events failed'),
      },
      parts,
    );
    lifecycle.onShutdown('flush', 'risk events', () => writer.stop());
    return writer;
  },
};

const websocketMetricWriter = {
  provide: WebsocketMetricWriter,
  inject: [Database, SeqSource, PartitionService, Config, Metrics, Logger, Lifecycle],
  useFactory: (
    db: Database,
    seq: SeqSource,
    parts: PartitionService | null,
    config: Config,
    metrics: Metrics,
    logger: Logger,
    lifecycle: Lifecycle,
  ) => {
    const log = logger.child('store');
    const writer = new WebsocketMetricWriter(
      {
        pool: db.writer,
        seq,
        meter: new WriterMeter(metrics, 'websocket_metrics', log),
        limits: limitsOf(config, db),
        onDefect: (error) => log.error({ err: error }, 'a batch of WebSocket metrics failed'),
      },
      parts,
    );
    lifecycle.onShutdown('flush', 'websocket metrics', () => writer.stop());
    return writer;
  },
};

const rollups = {
  provide: RollupRepository,
  inject: [Database],
  useFactory: (db: Database): RollupRepository =>
    db.dialect === 'native' ? new NativeRollupRepository(db) : new TimescaleRollupRepository(db),
};

const jobs = {
  provide: StoreJobs,
  inject: [
    Database,
    PartitionService,
    RollupRepository,
    SeqSource,
    TickWriter,
    MetricWriter,
    RiskMetricWriter,
    WebsocketMetricWriter,
    Sources,
    Metrics,
    Logger,
    Lifecycle,
  ],
  useFactory: (
    db: Database,
    parts: PartitionService | null,
    rollup: RollupRepository,
    seq: SeqSource,
    ticks: TickWriter,
    metricsWriter: MetricWriter,
    riskWriter: RiskMetricWriter,
    websocketWriter: WebsocketMetricWriter,
    sources: Sources,
    metrics: Metrics,
    logger: Logger,
    lifecycle: Lifecycle,
  ) => {
    // Last of all: the writers have given back what they hold by then.
    lifecycle.onShutdown('close', 'database', async () => {
      await db.writer.use((client) => seq.release(client)).catch(() => undefined);
      await db.close();
    });
    const latest = async () => {
      for (const writer of [ticks, metricsWriter, riskWriter]) await writer.flushLatest();
    };
    const jobList = [
      ...commonJobs(db, rollup, metrics, latest),
      ...partitionJobs(parts, rollup, metrics),
      websocketJob(sources, websocketWriter),
    ];
    return new StoreJobs(jobList, metrics, logger.child('store'), lifecycle);
  },
};

/** Keeps a week of what the sockets carried, when this process has any. */
function websocketJob(sources: Sources, writer: WebsocketMetricWriter): StoreJob {
  return {
    name: 'websocket-metrics',
    everyMs: 10_000,
    run: async () => {
      const connections = sources.get('connections');
      if (connections) await writer.append(sampleConnections(connections(), Date.now()));
    },
  };
}

function commonJobs(
  db: Database,
  rollup: RollupRepository,
  metrics: Metrics,
  latest: () => Promise<void>,
): StoreJob[] {
  const lag = metrics.gauge(rollupLag, {});
  const dirty = metrics.gauge(rollupDirty, {});
  return [
    { name: 'latest', everyMs: 1_000, run: latest },
    { name: 'clean-up', everyMs: 60_000, run: () => cleanUp(db) },
    {
      name: 'rollup',
      everyMs: 5_000,
      run: async () => {
        // On TimescaleDB its own policies do it.
        if (db.dialect === 'native') await rollup.refresh();
        const { rolledUpToMs, dirtyMinutes } = await rollup.status();
        if (rolledUpToMs !== null) lag.set((Date.now() - rolledUpToMs) / 1000);
        if (dirtyMinutes !== null) dirty.set(dirtyMinutes);
      },
    },
  ];
}

function partitionJobs(
  parts: PartitionService | null,
  rollup: RollupRepository,
  metrics: Metrics,
): StoreJob[] {
  if (parts === null) return [];
  for (const table of timeTables) {
    metrics.gaugeFrom(partitionsAhead, { table }, () => parts.aheadOf(table));
  }
  return [
    { name: 'partitions', everyMs: 60_000, run: () => parts.makeAhead() },
    {
      name: 'retention',
      everyMs: 600_000,
      run: async () => {
        // Raw metrics go only when their roll-ups are complete.
        await parts.applyRetention(async (table, { fromMs, toMs }) =>
          table === 'analytics_metrics' && rollup instanceof NativeRollupRepository
            ? rollup.isSettled(fromMs, toMs)
            : true,
        );
      },
    },
  ];
}

/** 2. Durable storage: pools, group-commit writers, repositories, roll-ups, partitions. */
@Module({
  providers: [
    database,
    seqSource,
    partitions,
    tickWriter,
    metricWriter(MetricWriter, 'analytics_metrics'),
    metricWriter(RiskMetricWriter, 'risk_metrics'),
    rollups,
    riskEventWriter,
    websocketMetricWriter,
    WebsocketConnectionRepository,
    jobs,
    PoolSource,
    {
      provide: StorageAudit,
      inject: [Database, PartitionService, RollupRepository, Metrics, Sources],
      useFactory: (...parts: ConstructorParameters<typeof StorageAudit>) => new StorageAudit(...parts),
    },
    QueryMeter,
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
    SeqSource,
    PartitionService,
    TickWriter,
    MetricWriter,
    RiskMetricWriter,
    RiskEventWriter,
    WebsocketMetricWriter,
    WebsocketConnectionRepository,
    StoreJobs,
    RollupRepository,
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
