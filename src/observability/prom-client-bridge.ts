import type { Metric, MetricObjectWithValues, MetricValue } from 'prom-client';
import type { MetricFamily } from './metric-family.js';
import { CounterSeries, GaugeSeries } from './series.js';

/** Families registered through the bridge; a scrape renders them itself and leaves only the others to prom-client. */
const bridged = new WeakSet<object>();

export const isBridged = (metric: object): boolean => bridged.has(metric);

/**
 * Shows one of our families to prom-client's registry. Our own series exist because a bound prom-client histogram takes
 * 200 ns per observation, above the 150 ns that a hot path may spend here.
 */
export function asPromClientMetric(family: MetricFamily): Metric<string> {
  const { name, help, type } = family.spec;
  const metric = {
    name,
    help,
    type,
    get: async (): Promise<MetricObjectWithValues<MetricValue<string>>> => ({
      name,
      help,
      type: type as never,
      aggregator: 'sum',
      collect: () => {},
      values: [...values(family)],
    }),
    reset: () => family.clear(),
  };
  bridged.add(metric);
  return metric as unknown as Metric<string>;
}

function* values(family: MetricFamily): Generator<MetricValue<string> & { metricName?: string }> {
  const { name, buckets = [] } = family.spec;
  for (const series of family.series.values()) {
    const { labels } = series;
    if (series instanceof CounterSeries) yield { value: series.value, labels };
    else if (series instanceof GaugeSeries) {
      const value = series.now();
      if (value !== undefined) yield { value, labels };
    } else {
      let total = 0;
      for (const [i, n] of series.counts.entries()) {
        total += n;
        yield { value: total, labels: { ...labels, le: buckets[i] ?? '+Inf' }, metricName: `${name}_bucket` };
      }
      yield { value: series.sum, labels, metricName: `${name}_sum` };
      yield { value: total, labels, metricName: `${name}_count` };
    }
  }
}
