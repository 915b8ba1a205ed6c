import type { FamilySample, MetricFamily } from '../metric-family.js';
import type { MetricSpec } from '../metric-spec.js';
import type { CounterHandle, HistogramHandle, Metrics } from '../metrics.js';
import type { CollectorMetrics } from './collector.js';

interface Held {
  readonly family: MetricFamily;
  /** When its values were committed; `null`: none are visible. */
  committedAtMs: number | null;
}

type Staged = Map<string, Map<string, FamilySample>>;

/**
 * The series of one collector. What a run sets is staged and becomes visible as a whole; what no run refreshes goes
 * stale and disappears, so a dead collector never keeps showing its last good values.
 */
export class StagedMetrics implements CollectorMetrics {
  private readonly held = new Map<string, Held>();
  private readonly live = new Set<string>();
  private staged: Staged | null = null;

  /** @throws Error when a metric is declared elsewhere as another type */
  constructor(
    metrics: Metrics,
    private readonly specs: readonly MetricSpec[],
  ) {
    for (const spec of specs) {
      this.held.set(spec.name, { family: metrics.family(spec), committedAtMs: null });
    }
  }

  set(
    spec: MetricSpec,
    value: number | null | undefined,
    labels: Readonly<Record<string, string>> = {},
  ): void {
    const { family } = this.holder(spec);
    if (spec.type === 'histogram') throw new Error(`${spec.name} is a histogram: observe it, do not set it`);
    const key = family.key(labels);
    // Outside of a run (a late answer after the timeout) nothing is reported any more.
    if (this.staged === null || value === null || value === undefined || Number.isNaN(value)) return;
    const samples = this.staged.get(spec.name) ?? new Map<string, FamilySample>();
    samples.set(key, { labels, value });
    this.staged.set(spec.name, samples);
  }

  counter(spec: MetricSpec, labels: Readonly<Record<string, string>> = {}): CounterHandle {
    this.live.add(spec.name);
    return this.holder(spec).family.bind(labels) as unknown as CounterHandle;
  }

  histogram(spec: MetricSpec, labels: Readonly<Record<string, string>> = {}): HistogramHandle {
    this.live.add(spec.name);
    return this.holder(spec).family.bind(labels) as unknown as HistogramHandle;
  }

  /** Opens a run. */
  begin(): void {
    this.staged = new Map();
  }

  /** How many series the open run has set. */
  get stagedCount(): number {
    let count = 0;
    for (const samples of this.staged?.values() ?? []) count += samples.size;
    return count;
  }

  /**
   * Makes the run visible and closes it.
   * @param partial whether a part failed: metrics that were not set then keep their values until they are stale
   */
  commit(nowMs: number, partial: boolean): void {
    const staged: Staged = this.staged ?? new Map();
    this.staged = null;
    for (const [name, held] of this.held) {
      if (this.live.has(name)) {
        held.committedAtMs = nowMs;
        continue;
      }
      const samples = staged.get(name);
      if (samples === undefined && partial) continue;
      held.family.replace(samples?.values() ?? []);
      held.committedAtMs = samples === undefined ? null : nowMs;
    }
  }

  /** Closes the run and forgets what it set. */
  discard(): void {
    this.staged = null;
  }

  /** Hides what is older than `maxAgeMs`. Live series are kept: they show what happened, not what is. */
  expire(nowMs: number, maxAgeMs: number): void {
    for (const [name, held] of this.held) {
      if (this.live.has(name) || held.committedAtMs === null || nowMs - held.committedAtMs <= maxAgeMs)
        continue;
      held.family.clear();
      held.committedAtMs = null;
    }
  }

  /** Hides everything that was reported by runs. */
  clear(): void {
    this.staged = null;
    for (const [name, held] of this.held) {
      if (this.live.has(name)) continue;
      held.family.clear();
      held.committedAtMs = null;
    }
  }

  /** Age of the oldest values that are visible, ms; `null` when none are. */
  ageMs(nowMs: number): number | null {
    let oldest: number | null = null;
    for (const [name, { committedAtMs }] of this.held) {
      if (this.live.has(name) || committedAtMs === null) continue;
      oldest = Math.max(oldest ?? 0, nowMs - committedAtMs);
    }
    return oldest;
  }

  /** Series that are visible now. */
  get seriesCount(): number {
    let count = 0;
    for (const { family } of this.held.values()) count += family.series.size;
    return count;
  }

  /** Label sets that found no place of their own, per metric, since the start. */
  folded(): readonly (readonly [metric: string, count: number])[] {
    return this.specs.map((spec) => [spec.name, this.held.get(spec.name)?.family.folded ?? 0] as const);
  }

  private holder(spec: MetricSpec): Held {
    const held = this.held.get(spec.name);
    if (held === undefined) throw new Error(`${spec.name} is not in the collector's manifest`);
    return held;
  }
}
