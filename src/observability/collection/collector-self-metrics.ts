import * as watching from '../catalogue/watching.js';
import { errorClasses, runOutcomes } from '../catalogue/watching.js';
import type { Metrics } from '../metrics.js';
import type { Cost } from './cost-meter.js';

const resourceOf = {
  dbMs: 'database',
  redisCommands: 'redis',
  eventLoopMs: 'event_loop',
  samples: 'samples',
} as const satisfies Record<keyof Cost, string>;

/** What the runner says about one collector, bound once. Error and outcome series start at 0, so that rates work. */
export class CollectorSelfMetrics {
  readonly enabled;
  readonly success;
  readonly noData;
  readonly duration;
  readonly lastSuccess;
  readonly interval;
  readonly backoff;
  readonly series;
  readonly skipped;
  readonly abandoned;
  private readonly runs;
  private readonly errors;
  private readonly overBudget;
  private readonly databaseSeconds;
  private readonly redisCommands;
  private readonly eventLoopSeconds;

  constructor(metrics: Metrics, collector: string) {
    const labels = { collector };
    this.enabled = metrics.gauge(watching.collectorEnabled, labels);
    this.success = metrics.gauge(watching.collectorSuccess, labels);
    this.noData = metrics.gauge(watching.collectorNoData, labels);
    this.duration = metrics.gauge(watching.collectorDuration, labels);
    this.lastSuccess = metrics.gauge(watching.collectorLastSuccess, labels);
    this.interval = metrics.gauge(watching.collectorInterval, labels);
    this.backoff = metrics.gauge(watching.collectorBackoff, labels);
    this.series = metrics.gauge(watching.collectorSamples, labels);
    this.skipped = metrics.counter(watching.collectorSkipped, labels);
    this.abandoned = metrics.counter(watching.collectorAbandoned, labels);
    this.runs = closed(runOutcomes, (outcome) =>
      metrics.counter(watching.collectorRuns, { collector, outcome }),
    );
    this.errors = closed(errorClasses, (name) =>
      metrics.counter(watching.collectorErrors, { collector, class: name }),
    );
    this.overBudget = closed(Object.values(resourceOf), (resource) =>
      metrics.counter(watching.collectorOverBudget, { collector, resource }),
    );
    this.databaseSeconds = metrics.counter(watching.collectorDatabaseSeconds, labels);
    this.redisCommands = metrics.counter(watching.collectorRedisCommands, labels);
    this.eventLoopSeconds = metrics.counter(watching.collectorEventLoopSeconds, labels);
  }

  ended(outcome: watching.RunOutcome, seconds: number, cost: Cost, exceeded: readonly (keyof Cost)[]): void {
    this.runs[outcome].inc();
    this.success.set(outcome === 'success' || outcome === 'no_data' ? 1 : 0);
    this.noData.set(outcome === 'no_data' ? 1 : 0);
    this.duration.set(seconds);
    this.databaseSeconds.inc(cost.dbMs / 1000);
    this.redisCommands.inc(cost.redisCommands);
    this.eventLoopSeconds.inc(cost.eventLoopMs / 1000);
    for (const key of exceeded) this.overBudget[resourceOf[key]].inc();
  }

  /** An error escaped after a run that had ended well: it is not healthy, whatever that run said. */
  spoiled(): void {
    this.success.set(0);
    this.noData.set(0);
  }

  failed(name: watching.ErrorClass): void {
    this.errors[name].inc();
  }

  /** A collector that is off says nothing about its runs: neither good nor bad. */
  silence(): void {
    this.success.clear();
    this.noData.clear();
    this.duration.clear();
    this.series.clear();
  }
}

function closed<K extends string, V>(keys: readonly K[], make: (key: K) => V): Readonly<Record<K, V>> {
  return Object.fromEntries(keys.map((key) => [key, make(key)])) as Record<K, V>;
}
