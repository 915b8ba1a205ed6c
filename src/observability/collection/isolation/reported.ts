import { performance } from 'node:perf_hooks';
import { labelKey } from '../../label-key.js';
import type { LatencyRow } from '../../latency-windows.js';
import type { MetricSpec } from '../../metric-spec.js';
import type { CounterHandle, HistogramHandle } from '../../metrics.js';
import type { Labels, Report, WireError } from './messages.js';

/** What a plugin may hand over at once: series, and characters of their labels. Beyond it its run fails. */
const maxSeries = 10_000;
const maxLabelChars = 1_000_000;
const maxRecords = 1_000;

type Sample = readonly [metric: string, value: number, labels: Labels];

/** What a plugin reports, kept in its thread until the run is over: a flood stays where it is made. */
export class Reported {
  private readonly specs: ReadonlyMap<string, readonly string[]>;
  private readonly samples = new Map<string, Sample>();
  private readonly counters = new Map<
    string,
    { readonly name: string; by: number; readonly labels: Labels }
  >();
  private readonly histograms = new Map<
    string,
    { readonly name: string; readonly counts: number[]; sum: number; readonly labels: Labels }
  >();
  private records: [LatencyRow, number][] = [];
  private failures: { part: string; error: WireError }[] = [];
  private chars = 0;
  private busyMs = performance.eventLoopUtilization().active;

  constructor(metrics: readonly MetricSpec[]) {
    this.specs = new Map(metrics.map((spec) => [spec.name, Object.keys(spec.labels)]));
  }

  set(spec: MetricSpec, value: number | null | undefined, labels: Labels): void {
    if (spec.type === 'histogram') throw new Error(`${spec.name} is a histogram: observe it, do not set it`);
    const key = this.key(spec, labels);
    if (value === null || value === undefined || Number.isNaN(value)) return;
    if (!this.samples.has(key)) this.admit(key);
    this.samples.set(key, [spec.name, value, labels]);
  }

  counter(spec: MetricSpec, labels: Labels): CounterHandle {
    const key = this.key(spec, labels);
    let entry = this.counters.get(key);
    if (entry === undefined) {
      this.admit(key);
      entry = { name: spec.name, by: 0, labels };
      this.counters.set(key, entry);
    }
    const held = entry;
    return {
      inc: (by = 1) => {
        if (by >= 0) held.by += by;
      },
    };
  }

  histogram(spec: MetricSpec, labels: Labels): HistogramHandle {
    const key = this.key(spec, labels);
    const bounds = spec.buckets ?? [];
    let entry = this.histograms.get(key);
    if (entry === undefined) {
      this.admit(key);
      entry = { name: spec.name, counts: new Array<number>(bounds.length + 1).fill(0), sum: 0, labels };
      this.histograms.set(key, entry);
    }
    const held = entry;
    return {
      observe: (value) => {
        if (Number.isNaN(value)) return;
        const bucket = bounds.findIndex((bound) => value <= bound);
        const at = bucket < 0 ? bounds.length : bucket;
        held.counts[at] = (held.counts[at] ?? 0) + 1;
        held.sum += value;
      },
    };
  }

  record(row: LatencyRow, value: number): void {
    if (this.records.length < maxRecords) this.records.push([row, value]);
  }

  failed(part: string, error: WireError): void {
    if (this.failures.length < 100) this.failures.push({ part: part.slice(0, 100), error });
  }

  /** @param well whether the run's samples count */
  take(well: boolean): Report {
    const { active } = performance.eventLoopUtilization();
    const report: Report = {
      samples: well ? [...this.samples.values()] : [],
      counters: [...this.counters.values()]
        .filter(({ by }) => by > 0)
        .map(({ name, by, labels }) => [name, by, labels] as const),
      histograms: [...this.histograms.values()]
        .filter(({ counts }) => counts.some((count) => count > 0))
        .map(({ name, counts, sum, labels }) => [name, [...counts], sum, labels] as const),
      records: this.records,
      failures: this.failures,
      busyMs: active - this.busyMs,
    };
    this.busyMs = active;
    this.samples.clear();
    for (const held of this.counters.values()) held.by = 0;
    for (const held of this.histograms.values()) {
      held.counts.fill(0);
      held.sum = 0;
    }
    this.records = [];
    this.failures = [];
    this.chars = 0;
    return report;
  }

  private key(spec: MetricSpec, labels: Labels): string {
    const labelNames = this.specs.get(spec.name);
    if (labelNames === undefined) throw new Error(`${spec.name} is not in the collector's manifest`);
    return `${spec.name} ${labelKey(spec, labelNames, labels)}`;
  }

  private admit(key: string): void {
    this.chars += key.length;
    const series = this.samples.size + this.counters.size + this.histograms.size;
    if (series < maxSeries && this.chars <= maxLabelChars) return;
    const error = new Error(
      `more than ${maxSeries} series, or ${maxLabelChars} characters of labels, at once`,
    );
    throw Object.assign(error, { name: 'BudgetExceeded' });
  }
}
