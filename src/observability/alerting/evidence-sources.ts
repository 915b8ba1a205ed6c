import { Injectable } from '@nestjs/common';
import { Config } from '../../config/config.js';
import { EventBus } from '../../domain/event-bus.js';
import type { OperationDone } from '../../domain/events.js';
import { Sources } from '../collection/sources.js';
import { Metrics } from '../metrics.js';
import { HistogramSeries } from '../series.js';
import type { Alert } from './alert.js';
import { AlertsService } from './alerts.service.js';
import { Evidence } from './evidence.js';
import { MetricSamples } from './metric-samples.js';
import { selectionsOf } from './signal.js';
import { TargetsService } from './targets.service.js';

const slowConsumersShown = 20;
const exemplarsShown = 20;
const seriesPerMetric = 40;
const operationsKept = 50;
const limitSeriesMs = 15 * 60_000;
const limitPointsShown = 1_000;

/** Metrics whose present values belong into every pack: where the time and the memory go. */
const alwaysShown = [
  'tidewatch_process_event_loop_delay_seconds',
  'tidewatch_process_event_loop_utilization_ratio',
  'tidewatch_process_cpu_utilization_ratio',
  'tidewatch_process_resident_memory_bytes',
  'tidewatch_process_heap_utilization_ratio',
  'tidewatch_store_writer_buffer_rows',
  'tidewatch_ingest_buffered_rows',
  'tidewatch_risk_queue_tasks',
];
const topStatements = [
  'tidewatch_postgres_statement_time_ratio',
  'tidewatch_postgres_statement_calls_per_second',
  'tidewatch_postgres_statement_mean_seconds',
  'tidewatch_postgres_statement_info',
];
const keyGroups = ['tidewatch_redis_group_bytes', 'tidewatch_redis_group_keys'];

/** What the process itself can put into an evidence pack. The store adds what only the database knows. */
@Injectable()
export class EvidenceSources {
  /** Newest last. */
  private readonly operations: (OperationDone & { readonly at: string })[] = [];

  constructor(
    evidence: Evidence,
    private readonly metrics: Metrics,
    private readonly alerts: AlertsService,
    targets: TargetsService,
    sources: Sources,
    config: Config,
    bus: EventBus,
    private readonly samples: MetricSamples,
  ) {
    bus.on('operation.done', (done) => {
      this.operations.push({ at: new Date().toISOString(), ...done });
      if (this.operations.length > operationsKept) this.operations.shift();
    });
    evidence.register('series', async (alert) => ({
      unit: alert.unit,
      threshold: alert.edge,
      points:
        alert.source === 'limit'
          ? await this.limited(alert)
          : alerts.recent.of(alert.threshold, alert.labels),
    }));
    evidence.register('targets', () => targets.answer());
    evidence.register('process', () => this.values(alwaysShown));
    evidence.register('signal', (alert) => this.signalOf(alert));
    evidence.register('top_statements', () => this.values(topStatements));
    evidence.register('redis_key_groups', () => this.values(keyGroups));
    evidence.register('pools', () => sources.get('pools')?.() ?? { missing: 'no pool in this process' });
    evidence.register('slow_consumers', () =>
      [...(sources.get('connections')?.() ?? [])]
        .filter((connection) => connection.bytesQueued > 0)
        .sort((a, b) => b.bytesQueued - a.bytesQueued)
        .slice(0, slowConsumersShown),
    );
    evidence.register('exemplar_traces', (alert) => this.exemplars(alert));
    evidence.register('configuration', () => ({
      started_at: new Date(Date.now() - process.uptime() * 1000).toISOString(),
      node: process.version,
      changed_settings: config.list().filter(({ source }) => source !== 'default'),
      changed_since_start: [...this.operations],
    }));
    evidence.register('other_alerts', (alert) =>
      alerts
        .activeAlerts()
        .filter(({ id }) => id !== alert.id)
        .map(({ name, state, labels, value, startedAtMs }) => ({
          name,
          state,
          labels,
          value,
          since: new Date(startedAtMs).toISOString(),
        })),
    );
  }

  /** The stored figure that a risk limit is about; its rounds are the portfolio's, not ours. */
  private async limited({ labels, startedAtMs }: Alert) {
    const read = await this.samples.read(
      labels.portfolio ?? '',
      labels.limit_type ?? '',
      startedAtMs - limitSeriesMs,
      startedAtMs,
      limitPointsShown,
    );
    return read.map(({ atMs, value }) => ({ at: new Date(atMs).toISOString(), value }));
  }

  private values(names: readonly string[]) {
    return Object.fromEntries(
      names.map((name) => [
        name,
        this.metrics
          .read(name)
          .toSorted((a, b) => b.value - a.value)
          .slice(0, seriesPerMetric),
      ]),
    );
  }

  /** The metrics that the alert is made of, as they are now. */
  private signalOf(alert: Alert) {
    return Object.fromEntries(
      this.metricNames(alert).map((name) => {
        const family = this.metrics.find(name);
        const names = family?.spec.type === 'histogram' ? [`${name}_count`, `${name}_sum`] : [name];
        return [name, this.values(names)];
      }),
    );
  }

  /** Trace ids of recent observations, slowest first: each of them is one concrete slow case. */
  private exemplars(alert: Alert) {
    const found = this.metricNames(alert).flatMap((name) =>
      [...(this.metrics.find(name)?.series.values() ?? [])].flatMap((series) =>
        series instanceof HistogramSeries
          ? (series.exemplars ?? [])
              .filter((exemplar) => exemplar !== undefined)
              .map(({ traceId, value, tsMs }) => ({
                metric: name,
                labels: series.labels,
                trace_id: traceId,
                value,
                at: new Date(tsMs).toISOString(),
              }))
          : [],
      ),
    );
    return found.sort((a, b) => b.value - a.value).slice(0, exemplarsShown);
  }

  private metricNames(alert: Alert): string[] {
    const live = this.alerts.live.find(({ name }) => name === alert.name);
    return live ? [...new Set(selectionsOf(live.rule.signal).map(({ metric }) => metric.name))] : [];
  }
}
