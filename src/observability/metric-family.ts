import { labelKey } from './label-key.js';
import { defaultMaxSeries, type MetricSpec } from './metric-spec.js';
import {
  CounterSeries,
  type ExemplarSource,
  GaugeSeries,
  HistogramSeries,
  type Refusals,
  type Series,
  type WindowSink,
} from './series.js';

export type LabelSet = Readonly<Record<string, string>>;

/** A gauge or counter value as a collector hands it over. */
export interface FamilySample {
  readonly labels: LabelSet;
  readonly value: number;
}

const overflowLabel = 'overflow';

/** All series of one metric. Closed label values are enforced; open ones are capped and the rest folds into `overflow`. */
export class MetricFamily<S extends Series = Series> {
  readonly series = new Map<string, S>();
  private readonly labelNames: readonly string[];
  private readonly open: boolean;
  /** Label sets that found no place of their own. */
  folded = 0;

  constructor(
    readonly spec: MetricSpec,
    private readonly refusals: Refusals,
    private readonly exemplars: ExemplarSource,
    private readonly window: WindowSink | null = null,
  ) {
    this.labelNames = Object.keys(spec.labels);
    this.open = this.labelNames.some((name) => spec.labels[name] === 'bounded');
  }

  /** @throws Error when a label value is missing or not in the catalogue */
  bind(labels: LabelSet): S {
    const key = this.key(labels);
    const known = this.series.get(key);
    if (known) return known;
    if (this.open && this.series.size >= (this.spec.maxSeries ?? defaultMaxSeries)) {
      this.folded++;
      return this.overflow(labels);
    }
    return this.add(key, labels);
  }

  /** Makes the family hold exactly these values: series that are no longer reported disappear. */
  replace(samples: Iterable<FamilySample>): void {
    this.series.clear();
    const overflowed = new Set<Series>();
    for (const { labels, value } of samples) {
      const before = this.folded;
      const series = this.bind(labels);
      const fold = this.folded > before && overflowed.has(series);
      if (this.folded > before) overflowed.add(series);
      if (series instanceof CounterSeries) series.setTotal(fold ? series.value + value : value);
      else if (series instanceof GaugeSeries) series.set(fold ? this.combine(series.value, value) : value);
    }
  }

  clear(): void {
    this.series.clear();
  }

  remove(labels: LabelSet): void {
    this.series.delete(this.key(labels));
  }

  private combine(a: number | undefined, b: number): number {
    if (a === undefined) return b;
    return this.spec.fold === 'sum' ? a + b : Math.max(a, b);
  }

  /**
   * The identity of a label set.
   * @throws Error when a label value is missing or not in the catalogue
   */
  key(labels: LabelSet): string {
    return labelKey(this.spec, this.labelNames, labels);
  }

  private overflow(labels: LabelSet): S {
    const folded: Record<string, string> = { ...labels };
    for (const name of this.labelNames) {
      if (this.spec.labels[name] === 'bounded') folded[name] = overflowLabel;
    }
    const key = this.key(folded);
    return this.series.get(key) ?? this.add(key, folded);
  }

  private add(key: string, given: LabelSet): S {
    const labels = Object.fromEntries(this.labelNames.map((name) => [name, given[name] as string]));
    const { type, buckets } = this.spec;
    const series =
      type === 'counter'
        ? new CounterSeries(labels, this.refusals, this.window)
        : type === 'gauge'
          ? new GaugeSeries(labels, this.refusals)
          : new HistogramSeries(labels, buckets ?? [], this.refusals, this.exemplars, this.window);
    this.series.set(key, series as S);
    return series as S;
  }
}
