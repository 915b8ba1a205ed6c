import { EventBus } from '../domain/event-bus.js';
import { Lifecycle } from '../lifecycle/lifecycle.js';
import { partitionsAhead, rollupDirty, rollupLag } from '../observability/catalogue/store.js';
import { Sources } from '../observability/collection/sources.js';
import { Logger } from '../observability/logger.js';
import { Metrics } from '../observability/metrics.js';
import { cleanUp } from './clean-up.js';
import { ConnectionRecorder } from './connection-recorder.js';
import { Database } from './database.js';
import { EndOfDay } from './end-of-day.js';
import { LogRecorder } from './log-recorder.js';
import { MetricWriter, RiskMetricWriter } from './metric.writer.js';
import { PartitionService } from './partitions/partition.service.js';
import { timeTables } from './retention.js';
import { NativeRollupRepository } from './rollups/native-rollup.repository.js';
import { RollupRepository } from './rollups/rollup.repository.js';
import { SeqSource } from './seq-source.js';
import { type StoreJob, StoreJobs } from './store-jobs.js';
import { TickWriter } from './tick.writer.js';
import { sampleConnections, WebsocketMetricWriter } from './websocket-metric.writer.js';

/** The work beside the flow, and the closing of the database after it. */
export const jobProvider = {
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
    ConnectionRecorder,
    LogRecorder,
    EventBus,
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
    connections: ConnectionRecorder,
    logLines: LogRecorder,
    bus: EventBus,
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
    const endOfDay = new EndOfDay(db, bus);
    const jobList: StoreJob[] = [
      ...commonJobs(db, rollup, metrics, latest),
      ...partitionJobs(parts, rollup, metrics),
      { name: 'end-of-day', everyMs: 5_000, run: () => endOfDay.run() },
      websocketJob(sources, websocketWriter),
      { name: 'connections', everyMs: 1_000, run: () => connections.flush() },
      { name: 'log-lines', everyMs: 1_000, run: () => logLines.flush() },
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
