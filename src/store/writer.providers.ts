import { Config } from '../config/config.js';
import { EventBus } from '../domain/event-bus.js';
import { Lifecycle } from '../lifecycle/lifecycle.js';
import { unrecorded, type WriterName } from '../observability/catalogue/store.js';
import { Logger } from '../observability/logger.js';
import { Metrics } from '../observability/metrics.js';
import { ConnectionRecorder } from './connection-recorder.js';
import { Database } from './database.js';
import { LogRecorder } from './log-recorder.js';
import { metricFault } from './metric.target.js';
import { MetricWriter, RiskMetricWriter } from './metric.writer.js';
import { PartitionService } from './partitions/partition.service.js';
import { RiskEventWriter } from './risk-event.writer.js';
import { RowBounds } from './row-bounds.js';
import { SeqSource } from './seq-source.js';
import { TickWriter } from './tick.writer.js';
import { WebsocketConnectionRepository } from './websocket-connection.repository.js';
import { WebsocketMetricWriter } from './websocket-metric.writer.js';
import { WriterMeter } from './writer/writer-meter.js';

/** What every group-commit writer takes, and that it becomes durable before the pools close. */
class WriterKit {
  constructor(
    private readonly database: Database,
    private readonly seq: SeqSource,
    readonly partitions: PartitionService | null,
    private readonly config: Config,
    private readonly metrics: Metrics,
    private readonly logger: Logger,
    private readonly lifecycle: Lifecycle,
  ) {}

  depsFor(writer: WriterName) {
    const log = this.logger.child('store');
    return {
      pool: this.database.writer,
      seq: this.seq,
      meter: new WriterMeter(this.metrics, writer, log),
      limits: {
        maxBufferRows: this.config.get('INGEST_BUFFER_MAX_ROWS'),
        concurrency: this.database.writer.max,
      },
      onDefect: (error: unknown) => log.error({ err: error, writer }, 'a batch failed'),
    };
  }

  /** Rows of this kind that are given up because too many wait. */
  unrecorded(what: 'log_line' | 'connection') {
    const counter = this.metrics.counter(unrecorded, { what });
    // At 0 before the first one: a counter that appears with it hides it from a rate.
    counter.inc(0);
    return counter;
  }

  /** Everything that is logged as a warning or worse from now on. */
  listenToLog(recorder: LogRecorder): LogRecorder {
    this.logger.addStream({ level: 'warn', stream: recorder });
    return recorder;
  }

  flushed<W extends { stop(): Promise<void> }>(name: WriterName, writer: W): W {
    this.lifecycle.onShutdown('flush', name, () => writer.stop());
    return writer;
  }

  metricBounds(table: 'analytics_metrics' | 'risk_metrics') {
    return new RowBounds(table, this.database.retention, Date.now, metricFault);
  }

  tickBounds() {
    // The newest source time is the price: one from the future would hold it until then.
    const aheadMs = this.config.get('TICKS_MAX_AHEAD_MS');
    return new RowBounds('ticks', this.database.retention, Date.now, () => null, aheadMs);
  }
}

const provide = <W>(writer: abstract new (...args: never[]) => W, make: (kit: WriterKit) => W) => ({
  provide: writer,
  inject: [WriterKit],
  useFactory: make,
});

/** The group-commit writers, one per table. */
export const writerProviders = [
  {
    provide: WriterKit,
    inject: [Database, SeqSource, PartitionService, Config, Metrics, Logger, Lifecycle],
    useFactory: (...parts: ConstructorParameters<typeof WriterKit>) => new WriterKit(...parts),
  },
  {
    provide: TickWriter,
    inject: [WriterKit, EventBus],
    useFactory: (kit: WriterKit, bus: EventBus) =>
      kit.flushed(
        'ticks',
        new TickWriter({
          ...kit.depsFor('ticks'),
          bus,
          partitions: kit.partitions,
          bounds: kit.tickBounds(),
        }),
      ),
  },
  provide(MetricWriter, (kit) =>
    kit.flushed(
      'analytics_metrics',
      new MetricWriter({
        ...kit.depsFor('analytics_metrics'),
        partitions: kit.partitions,
        bounds: kit.metricBounds('analytics_metrics'),
      }),
    ),
  ),
  provide(RiskMetricWriter, (kit) =>
    kit.flushed(
      'risk_metrics',
      new RiskMetricWriter({
        ...kit.depsFor('risk_metrics'),
        partitions: kit.partitions,
        bounds: kit.metricBounds('risk_metrics'),
      }),
    ),
  ),
  provide(RiskEventWriter, (kit) =>
    kit.flushed('risk_events', new RiskEventWriter(kit.depsFor('risk_events'), kit.partitions)),
  ),
  provide(WebsocketMetricWriter, (kit) =>
    kit.flushed(
      'websocket_metrics',
      new WebsocketMetricWriter(kit.depsFor('websocket_metrics'), kit.partitions),
    ),
  ),
  provide(LogRecorder, (kit) =>
    kit.flushed(
      'debug_logs',
      kit.listenToLog(new LogRecorder(kit.depsFor('debug_logs'), kit.partitions, kit.unrecorded('log_line'))),
    ),
  ),
  {
    provide: ConnectionRecorder,
    inject: [WriterKit, WebsocketConnectionRepository, EventBus, Lifecycle],
    useFactory: (
      kit: WriterKit,
      repository: WebsocketConnectionRepository,
      bus: EventBus,
      lifecycle: Lifecycle,
    ) => {
      const recorder = new ConnectionRecorder(repository, bus, kit.unrecorded('connection'));
      lifecycle.onShutdown('flush', 'websocket connections', () => recorder.flush());
      return recorder;
    },
  },
];
