import type { LatencyRow } from './latency-windows.js';

/** Allowed values of one label: a closed list, or `'bounded'` where the guard in `Metrics` caps what is open by nature. */
export type LabelValues = readonly string[] | 'bounded';

/** Base units that a metric name may end in (before `_total`), longest first; what has none counts things. */
export const units = ['timestamp_seconds', 'seconds', 'bytes', 'ratio'] as const;
export type Unit = (typeof units)[number];

/** One metric, declared once as data; code, METRICS.md and the drift tests follow from it. */
export interface MetricSpec<L extends string = string> {
  /** `tidewatch_` prefix, base units, `_total` for counters. */
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: Readonly<Record<L, LabelValues>>;
  /** Upper bounds; every alert threshold of this metric is one of them. Histograms only. */
  readonly buckets?: readonly number[];
  /** Distinct label sets before further ones fold into `overflow`; see {@link defaultMaxSeries}. */
  readonly maxSeries?: number;
  /** How gauge values that share the `overflow` series combine; default `max` (counters and histograms add up). */
  readonly fold?: 'sum' | 'max';
  /**
   * Row of the threshold table that every observation (counters: every increment) is also recorded under, so that the
   * process can judge itself with no Prometheus. Declared here, nobody can forget the second call.
   */
  readonly window?: LatencyRow;
}

/** Distinct label sets a metric with a `bounded` label may have unless its spec says otherwise. */
export const defaultMaxSeries = 200;

type Labels = Readonly<Record<string, LabelValues>>;
type Limits = Pick<MetricSpec, 'maxSeries' | 'fold' | 'window'>;

export const counter = <const T extends Labels = Record<never, never>>(
  name: string,
  help: string,
  labels: T = {} as T,
  limits: Limits = {},
): MetricSpec<keyof T & string> => ({ name, type: 'counter', help, labels, ...limits });

export const gauge = <const T extends Labels = Record<never, never>>(
  name: string,
  help: string,
  labels: T = {} as T,
  limits: Limits = {},
): MetricSpec<keyof T & string> => ({ name, type: 'gauge', help, labels, ...limits });

export const histogram = <const T extends Labels = Record<never, never>>(
  name: string,
  help: string,
  buckets: readonly number[],
  labels: T = {} as T,
  limits: Limits = {},
): MetricSpec<keyof T & string> => ({ name, type: 'histogram', help, labels, buckets, ...limits });

/** The base unit in which a metric is given, read off its name; `null` for plain numbers of things. */
export function unitOf(spec: Pick<MetricSpec, 'name'>): Unit | null {
  const stem = spec.name.replace(/_total$/, '');
  return units.find((unit) => stem.endsWith(`_${unit}`)) ?? null;
}
