import type { Metrics } from '../metrics.js';
import { CounterSeries, GaugeSeries, type Series } from '../series.js';
import type { GroupKey, Leaf, LeafReading, LeafSource } from './metric-history.js';
import type { Select } from './signal.js';

/** Reads leaves from the metrics of this process, without a scrape. */
export class MetricsLeafSource implements LeafSource {
  constructor(private readonly metrics: Metrics) {}

  read(leaf: Leaf, by: readonly string[]): ReadonlyMap<GroupKey, LeafReading> {
    const out = new Map<GroupKey, LeafReading>();
    for (const series of this.metrics.find(leaf.of.metric.name)?.series.values() ?? []) {
      if (!matches(series.labels, leaf.of.where)) continue;
      const value = partOf(series, leaf.part, leaf.of.metric.buckets);
      if (value === undefined) continue;
      const labels = Object.fromEntries(by.map((name) => [name, series.labels[name] ?? '']));
      const key = by.map((name) => labels[name]).join('\u0000');
      const known = out.get(key);
      out.set(key, { labels, value: known === undefined ? value : combine(leaf.reduce, known.value, value) });
    }
    return out;
  }
}

function matches(labels: Series['labels'], where: Select['where'] = {}): boolean {
  for (const [name, wanted] of Object.entries(where)) {
    const value = labels[name] ?? '';
    if (typeof wanted === 'string' ? value !== wanted : !wanted.includes(value)) return false;
  }
  return true;
}

function partOf(series: Series, part: Leaf['part'], buckets: readonly number[] = []): number | undefined {
  if (series instanceof CounterSeries) return series.value;
  if (series instanceof GaugeSeries) return series.now();
  if (part === 'sum') return series.sum;
  if (typeof part !== 'object') return series.count;
  let cumulative = 0;
  for (const [i, edge] of buckets.entries()) {
    if (edge > part.le) break;
    cumulative += series.counts[i] ?? 0;
  }
  return cumulative;
}

function combine(reduce: Leaf['reduce'], a: number, b: number): number {
  return reduce === 'sum' ? a + b : reduce === 'max' ? Math.max(a, b) : Math.min(a, b);
}
