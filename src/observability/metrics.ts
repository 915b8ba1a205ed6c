import { Injectable } from '@nestjs/common';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { MetricSpec } from './metric-spec.js';

/** What a hot path holds: one series, its labels already resolved. */
export interface CounterHandle {
  inc(by?: number): void;
}
export interface GaugeHandle {
  set(value: number): void;
  inc(by?: number): void;
  dec(by?: number): void;
}
export interface HistogramHandle {
  observe(value: number): void;
}

/** Distinct label sets a metric with a `bounded` label may have before further ones fold into `overflow`. */
const maxSeriesPerMetric = 200;

/**
 * The process's metrics. Series are made from {@link MetricSpec} entries of the catalogue on first use; a series is
 * bound once (constructor) and observed many times.
 */
@Injectable()
export class Metrics {
  readonly registry = new Registry();
  private readonly made = new Map<string, Counter | Gauge | Histogram>();
  private readonly seen = new Map<string, Set<string>>();

  counter<L extends string>(spec: MetricSpec<L>, labels: Record<L, string>): CounterHandle {
    const metric = this.make(spec) as Counter;
    return metric.labels(this.guard(spec, labels));
  }

  gauge<L extends string>(spec: MetricSpec<L>, labels: Record<L, string>): GaugeHandle {
    const metric = this.make(spec) as Gauge;
    return metric.labels(this.guard(spec, labels));
  }

  histogram<L extends string>(spec: MetricSpec<L>, labels: Record<L, string>): HistogramHandle {
    const metric = this.make(spec) as Histogram;
    return metric.labels(this.guard(spec, labels));
  }

  private make(spec: MetricSpec): Counter | Gauge | Histogram {
    const known = this.made.get(spec.name);
    if (known) return known;
    const common = {
      name: spec.name,
      help: spec.help,
      labelNames: Object.keys(spec.labels),
      registers: [this.registry],
    };
    const metric =
      spec.type === 'counter'
        ? new Counter(common)
        : spec.type === 'gauge'
          ? new Gauge(common)
          : new Histogram({ ...common, buckets: [...(spec.buckets ?? [])] });
    this.made.set(spec.name, metric);
    return metric;
  }

  /** Closed label values are enforced; open ones are capped, the rest is counted under `overflow`. */
  private guard<L extends string>(spec: MetricSpec<L>, labels: Record<L, string>): Record<string, string> {
    const out: Record<string, string> = {};
    let open = false;
    for (const key of Object.keys(spec.labels) as L[]) {
      const allowed = spec.labels[key];
      const value = labels[key];
      if (allowed === 'bounded') open = true;
      else if (!allowed.includes(value)) {
        throw new Error(`${spec.name}: label ${key}="${value}" is not in the catalogue`);
      }
      out[key] = value;
    }
    if (!open) return out;
    const seen = this.seen.get(spec.name) ?? new Set<string>();
    this.seen.set(spec.name, seen);
    const id = JSON.stringify(out);
    if (seen.has(id)) return out;
    if (seen.size < maxSeriesPerMetric) {
      seen.add(id);
      return out;
    }
    for (const key of Object.keys(out)) if (spec.labels[key as L] === 'bounded') out[key] = 'overflow';
    return out;
  }
}
