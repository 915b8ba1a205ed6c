/** Rate over the interval that Grafana finds right for the zoom, summed by the given labels. */
export const rate = (selector: string, by = 'instance'): string =>
  `sum by (${by}) (rate(${selector}[$__rate_interval]))`;

/** Quantile of a histogram: `metric` without its suffix. */
export const quantile = (q: number, metric: string, labels = '', by = 'instance'): string =>
  `histogram_quantile(${q}, sum by (${by}, le) (rate(${metric}_bucket{$p${labels}}[$__rate_interval])))`;

/** Mean of a histogram. */
export const mean = (metric: string, labels = '', by = 'instance'): string =>
  `${rate(`${metric}_sum{$p${labels}}`, by)} / ${rate(`${metric}_count{$p${labels}}`, by)}`;

/** Mean, median, 95th and 99th percentile of a histogram: four lines that belong together. */
export const distribution = (metric: string, labels = '', mayBeEmpty?: string) => [
  { expr: mean(metric, labels), legend: 'mean {{instance}}', mayBeEmpty },
  { expr: quantile(0.5, metric, labels), legend: 'p50 {{instance}}', mayBeEmpty },
  { expr: quantile(0.95, metric, labels), legend: 'p95 {{instance}}', exemplars: true, mayBeEmpty },
  { expr: quantile(0.99, metric, labels), legend: 'p99 {{instance}}', exemplars: true, mayBeEmpty },
];

/** How much grew within what the dashboard shows. */
export const grew = (selector: string, by: string): string =>
  `sum by (${by}) (increase(${selector}[$__range]))`;
