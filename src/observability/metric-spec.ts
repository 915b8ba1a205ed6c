/** Allowed values of one label: a closed list, or `'bounded'` where the guard in `Metrics` caps what is open by nature. */
export type LabelValues = readonly string[] | 'bounded';

/** One metric, declared once as data; code, METRICS.md and the drift tests follow from it. */
export interface MetricSpec<L extends string = string> {
  /** `tidewatch_` prefix, base units, `_total` for counters. */
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: Readonly<Record<L, LabelValues>>;
  /** Upper bounds; every alert threshold of this metric is one of them. Histograms only. */
  readonly buckets?: readonly number[];
}

type Labels = Readonly<Record<string, LabelValues>>;

export const counter = <const T extends Labels = Record<never, never>>(
  name: string,
  help: string,
  labels: T = {} as T,
): MetricSpec<keyof T & string> => ({ name, type: 'counter', help, labels });

export const gauge = <const T extends Labels = Record<never, never>>(
  name: string,
  help: string,
  labels: T = {} as T,
): MetricSpec<keyof T & string> => ({ name, type: 'gauge', help, labels });

export const histogram = <const T extends Labels = Record<never, never>>(
  name: string,
  help: string,
  buckets: readonly number[],
  labels: T = {} as T,
): MetricSpec<keyof T & string> => ({ name, type: 'histogram', help, labels, buckets });
