import type { GroupKey, Leaf, LeafReading, MetricHistory } from './metric-history.js';
import { eventsOf, type Guard, type Select, type Signal } from './signal.js';

/** A signal's value for one group of labels. */
export interface Reading {
  readonly labels: Readonly<Record<string, string>>;
  /** In base units; `null` where it is undefined (no samples, division by zero). */
  readonly value: number | null;
  /** How many observations it rests on; of gauges and of counted events, the samples taken of them. */
  readonly samples: number;
}

/** Computes signals from the process's own metrics: the in-app reading of what `promql.ts` writes for Prometheus. */
export class SignalReader {
  constructor(private readonly history: MetricHistory) {}

  /** Follows what the signal needs; call once per signal before reading it. */
  prepare(signal: Signal, by: readonly string[]): void {
    for (const leaf of leavesOf(signal)) this.history.follow(leaf, by);
  }

  read(signal: Signal, by: readonly string[], windowMs: number, nowMs: number): Map<GroupKey, Reading> {
    const out = new Map<GroupKey, Reading>();
    for (const [group, value] of this.values(signal, by, windowMs, nowMs)) {
      const number = Number.isFinite(value.value) ? value.value : null;
      out.set(group, {
        labels: value.labels,
        value: number,
        samples: this.samples(signal, by, group, windowMs, nowMs),
      });
    }
    return out;
  }

  /** Whether a guard lets a rule judge this group; a guard without data does not. */
  passes(guard: Guard, by: readonly string[], group: GroupKey, windowMs: number, nowMs: number): boolean {
    const value =
      this.values(guard.signal, by, guard.windowMs ?? windowMs, nowMs).get(group)?.value ?? Number.NaN;
    switch (guard.op) {
      case '>':
        return value > guard.value;
      case '>=':
        return value >= guard.value;
      case '<':
        return value < guard.value;
      case '<=':
        return value <= guard.value;
    }
  }

  private values(
    signal: Signal,
    by: readonly string[],
    windowMs: number,
    nowMs: number,
  ): Map<GroupKey, LeafReading> {
    if (signal.kind === 'ratio') {
      const under = this.values(signal.under, by, windowMs, nowMs);
      return mapValues(this.values(signal.over, by, windowMs, nowMs), (over, group) => {
        const value = under.get(group)?.value;
        return value === undefined ? Number.NaN : over / value;
      });
    }
    const [first] = leavesOf(signal) as [Leaf];
    const now = this.history.now(first, by);
    return mapValues(now, (value, group) => this.one(signal, by, group, value, windowMs, nowMs));
  }

  private one(
    signal: Exclude<Signal, { kind: 'ratio' }>,
    by: readonly string[],
    group: GroupKey,
    value: number,
    windowMs: number,
    nowMs: number,
  ): number {
    const grown = (leaf: Leaf) => {
      const now = this.history.now(leaf, by).get(group)?.value ?? 0;
      return this.history.growth(leaf, by, group, now, windowMs, nowMs);
    };
    const leaves = leavesOf(signal);
    switch (signal.kind) {
      case 'gauge':
        return signal.overWindow ? this.average(leaves[0] as Leaf, by, group, value, windowMs, nowMs) : value;
      case 'age':
        return nowMs / 1000 - value;
      case 'increase':
        return grown(leaves[0] as Leaf).delta;
      case 'rate': {
        const { delta, coveredMs } = grown(leaves[0] as Leaf);
        return coveredMs > 0 ? delta / (coveredMs / 1000) : Number.NaN;
      }
      case 'mean':
        return grown(leaves[1] as Leaf).delta / grown(leaves[0] as Leaf).delta;
      case 'share_above':
        return 1 - grown(leaves[1] as Leaf).delta / grown(leaves[0] as Leaf).delta;
      case 'share':
        return grown(leaves[1] as Leaf).delta / grown(leaves[0] as Leaf).delta;
      case 'quantile': {
        const edges = signal.of.metric.buckets ?? [];
        const total = grown(leaves[0] as Leaf).delta;
        return interpolate(
          signal.q,
          edges,
          leaves.slice(1).map((leaf) => grown(leaf).delta),
          total,
        );
      }
    }
  }

  private average(
    leaf: Leaf,
    by: readonly string[],
    group: GroupKey,
    now: number,
    windowMs: number,
    nowMs: number,
  ): number {
    const past = this.history.series(leaf, by, group, windowMs, nowMs);
    if (past.length === 0) return now;
    return past.reduce((sum, { value }) => sum + value, 0) / past.length;
  }

  private samples(
    signal: Signal,
    by: readonly string[],
    group: GroupKey,
    windowMs: number,
    nowMs: number,
  ): number {
    const events = eventsOf(signal);
    if (!events) {
      const [leaf] = leavesOf(signal) as [Leaf];
      return Math.max(1, this.history.series(leaf, by, group, windowMs, nowMs).length);
    }
    const leaf: Leaf = {
      of: events,
      part: events.metric.type === 'histogram' ? 'count' : 'value',
      reduce: 'sum',
    };
    const now = this.history.now(leaf, by).get(group)?.value ?? 0;
    return Math.round(this.history.growth(leaf, by, group, now, windowMs, nowMs).delta);
  }
}

/** The numbers a signal is made of; the first one decides which groups exist. */
function leavesOf(signal: Signal): readonly Leaf[] {
  const of = (part: Leaf['part'], reduce: Leaf['reduce'], select: Select): Leaf => ({
    of: select,
    part,
    reduce,
  });
  switch (signal.kind) {
    case 'ratio':
      return [...leavesOf(signal.over), ...leavesOf(signal.under)];
    case 'gauge':
      return [of('value', signal.reduce, signal.of)];
    case 'age':
      return [of('value', signal.reduce === 'oldest' ? 'min' : 'max', signal.of)];
    case 'rate':
    case 'increase':
      return [of(signal.of.metric.type === 'histogram' ? 'count' : 'value', 'sum', signal.of)];
    case 'mean':
      return [of('count', 'sum', signal.of), of('sum', 'sum', signal.of)];
    case 'share_above':
      return [of('count', 'sum', signal.of), of({ le: signal.edge }, 'sum', signal.of)];
    case 'share': {
      const events = signal.of.metric.type === 'histogram' ? 'count' : 'value';
      return [of(events, 'sum', signal.of), of(events, 'sum', signal.part)];
    }
    case 'quantile':
      return [
        of('count', 'sum', signal.of),
        ...(signal.of.metric.buckets ?? []).map((le) => of({ le }, 'sum', signal.of)),
      ];
  }
}

/**
 * Quantile from cumulative bucket counts, linear within a bucket, as Prometheus computes it; above the last edge it is
 * that edge. `NaN` without observations.
 */
export function interpolate(
  q: number,
  edges: readonly number[],
  cumulative: readonly number[],
  total: number,
): number {
  if (total <= 0) return Number.NaN;
  const rank = q * total;
  const i = cumulative.findIndex((count) => count >= rank);
  if (i < 0) return edges.at(-1) ?? Number.NaN;
  const upper = edges[i] as number;
  const lower = i === 0 ? 0 : (edges[i - 1] as number);
  const before = i === 0 ? 0 : (cumulative[i - 1] as number);
  const within = (cumulative[i] as number) - before;
  if (within === 0) return upper;
  return lower + (upper - lower) * ((rank - before) / within);
}

function mapValues(
  readings: ReadonlyMap<GroupKey, LeafReading>,
  make: (value: number, group: GroupKey) => number,
): Map<GroupKey, LeafReading> {
  const out = new Map<GroupKey, LeafReading>();
  for (const [group, { labels, value }] of readings) out.set(group, { labels, value: make(value, group) });
  return out;
}
