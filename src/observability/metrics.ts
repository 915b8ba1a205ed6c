import { Injectable } from '@nestjs/common';
import { Registry } from 'prom-client';
import { LatencyWindows } from './latency-windows.js';
import { MetricFamily } from './metric-family.js';
import type { MetricSpec } from './metric-spec.js';
import { asPromClientMetric } from './prom-client-bridge.js';
import {
  CounterSeries,
  type ExemplarSource,
  GaugeSeries,
  type HistogramSeries,
  type Refusals,
} from './series.js';

/** What a hot path holds: one series, its labels already resolved. */
export interface CounterHandle {
  inc(by?: number): void;
}
export interface GaugeHandle {
  set(value: number): void;
  inc(by?: number): void;
  dec(by?: number): void;
  /** No value from now on, until it is set again. */
  clear(): void;
}
export interface HistogramHandle {
  observe(value: number): void;
}

/** One value of one series, as rules and the API read it. Histograms give `<name>_count` and `<name>_sum`. */
export interface MetricSample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/**
 * The process's metrics. Series are made from {@link MetricSpec} entries of the catalogue on first use; a series is
 * bound once (constructor) and observed many times. Every family is also registered with `registry`, so whatever
 * already speaks prom-client sees ours, and what a plugin registers there is scraped too.
 */
@Injectable()
export class Metrics {
  readonly registry = new Registry();
  /** Set by tracing: the trace id that latency observations are tied to. */
  readonly exemplars: ExemplarSource = { current: null };
  /** What the process judges itself by; fed by the metrics whose spec names a `window`. */
  readonly windows = new LatencyWindows();
  private readonly made = new Map<string, MetricFamily>();
  private readonly hooks = new Set<() => void>();
  private readonly refusals: Refusals = { count: 0 };

  counter<L extends string>(spec: MetricSpec<L>, labels: Record<L, string>): CounterHandle {
    return this.family(spec).bind(labels) as CounterSeries;
  }

  gauge<L extends string>(spec: MetricSpec<L>, labels: Record<L, string>): GaugeHandle {
    return this.family(spec).bind(labels) as GaugeSeries;
  }

  histogram<L extends string>(spec: MetricSpec<L>, labels: Record<L, string>): HistogramHandle {
    return this.family(spec).bind(labels) as HistogramSeries;
  }

  /** A gauge that is asked for its value at scrape time; `null` takes it off the scrape. `read` must be quick. */
  gaugeFrom<L extends string>(
    spec: MetricSpec<L>,
    labels: Record<L, string>,
    read: () => number | null,
  ): void {
    (this.family(spec).bind(labels) as GaugeSeries).read = read;
  }

  /** Forgets one series. */
  remove<L extends string>(spec: MetricSpec<L>, labels: Record<L, string>): void {
    this.made.get(spec.name)?.remove(labels);
  }

  /** All series of a metric, made on first use. @throws Error when the name was declared differently before */
  family(spec: MetricSpec): MetricFamily {
    const known = this.made.get(spec.name);
    if (known) {
      if (known.spec.type !== spec.type) throw new Error(`${spec.name} is a ${known.spec.type} elsewhere`);
      return known;
    }
    const window = spec.window === undefined ? null : this.windows.of(spec.window);
    const family = new MetricFamily(spec, this.refusals, this.exemplars, window);
    this.made.set(spec.name, family);
    this.registry.registerMetric(asPromClientMetric(family));
    return family;
  }

  /** The metric of that name, when somebody has made it. */
  find(name: string): MetricFamily | undefined {
    return this.made.get(name);
  }

  /** Forgets a metric altogether. */
  drop(spec: MetricSpec): void {
    this.made.delete(spec.name);
    this.registry.removeSingleMetric(spec.name);
  }

  /** Runs before every scrape and read; for values that go stale by the clock. */
  beforeRead(hook: () => void): () => void {
    this.hooks.add(hook);
    return () => this.hooks.delete(hook);
  }

  /** The families that have something to say now. */
  families(): readonly MetricFamily[] {
    for (const hook of this.hooks) hook();
    return [...this.made.values()];
  }

  /** Current values of a counter or gauge, or of `<histogram>_count` / `<histogram>_sum`; empty when there is none. */
  read(name: string): readonly MetricSample[] {
    for (const hook of this.hooks) hook();
    const direct = this.made.get(name);
    const part = /^(.*)_(count|sum)$/.exec(name);
    const family = direct ?? (part?.[1] ? this.made.get(part[1]) : undefined);
    if (!family) return [];
    const out: MetricSample[] = [];
    for (const series of family.series.values()) {
      const value =
        series instanceof CounterSeries
          ? series.value
          : series instanceof GaugeSeries
            ? series.now()
            : part?.[2] === 'sum'
              ? series.sum
              : series.count;
      if (value !== undefined) out.push({ labels: series.labels, value });
    }
    return out;
  }

  /** Per metric, how many label sets found no series of their own. */
  folded(): readonly (readonly [metric: string, count: number])[] {
    return [...this.made.values()]
      .filter((family) => family.folded > 0)
      .map((family) => [family.spec.name, family.folded]);
  }

  /** Observations that no series could hold (NaN, a counter told to go down). */
  get refused(): number {
    return this.refusals.count;
  }
}
