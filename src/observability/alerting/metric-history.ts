import { SampleRing } from './sample-ring.js';
import type { Select } from './signal.js';

/** One number of one metric: a gauge's or counter's value, a histogram's `_sum`, `_count`, or a cumulative bucket. */
export interface Leaf {
  readonly of: Select;
  readonly part: 'value' | 'sum' | 'count' | { readonly le: number };
  readonly reduce: 'sum' | 'max' | 'min';
}

/** Values of the `by` labels, as one key; `''` where there are none. */
export type GroupKey = string;

export interface LeafReading {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Reads leaves from the process's metrics: one value per group of labels. Implemented over `Metrics`. */
export interface LeafSource {
  read(leaf: Leaf, by: readonly string[]): ReadonlyMap<GroupKey, LeafReading>;
}

/** Growth between two moments, and how much of the window that really covers. */
export interface Growth {
  readonly delta: number;
  readonly coveredMs: number;
}

interface Track {
  readonly fine: SampleRing;
  readonly coarse: SampleRing;
  labels: Readonly<Record<string, string>>;
}

/** Ring sizes: ten minutes at five seconds for the alert windows, six hours at a minute for the burn rates. */
const historyShape = { fineMs: 5_000, fineSlots: 122, coarseMs: 60_000, coarseSlots: 362 } as const;

/** Groups of one leaf that are followed; further ones are counted and left out. */
const maxGroups = 50;

/**
 * The recent past of exactly those numbers that rules look at, in bounded memory, so that rates and averages can be
 * computed with no Prometheus at all.
 */
export class MetricHistory {
  private readonly tracks = new Map<string, Map<GroupKey, Track>>();
  private readonly leaves = new Map<string, { leaf: Leaf; by: readonly string[] }>();
  /** Groups left out because a leaf had more than {@link maxGroups}. */
  dropped = 0;

  constructor(
    private readonly source: LeafSource,
    private readonly shape: {
      fineMs: number;
      fineSlots: number;
      coarseMs: number;
      coarseSlots: number;
    } = historyShape,
  ) {}

  /** Follows a leaf from the next {@link sample} on. */
  follow(leaf: Leaf, by: readonly string[]): void {
    this.leaves.set(leafKey(leaf, by), { leaf, by });
  }

  /** Takes one sample of every followed leaf. */
  sample(nowMs: number): void {
    for (const [key, { leaf, by }] of this.leaves) {
      const groups = this.tracks.get(key) ?? new Map<GroupKey, Track>();
      this.tracks.set(key, groups);
      const readings = this.source.read(leaf, by);
      for (const [group, { labels, value }] of readings) {
        const track = groups.get(group) ?? this.add(groups, group, labels);
        track?.fine.offer(nowMs, value);
        track?.coarse.offer(nowMs, value);
      }
      for (const [group, track] of groups) {
        if (readings.has(group)) continue;
        track.fine.offer(nowMs, Number.NaN);
        track.coarse.offer(nowMs, Number.NaN);
      }
    }
  }

  /** Values of a leaf at this moment. */
  now(leaf: Leaf, by: readonly string[]): ReadonlyMap<GroupKey, LeafReading> {
    return this.source.read(leaf, by);
  }

  /**
   * Growth of a cumulative leaf from the start of the window to `value` now. A series younger than the window is
   * measured from its first sample, as Prometheus does: a collector's total that appears at a million did not grow by
   * it. A total that became smaller was reset, so all of it is growth.
   */
  growth(
    leaf: Leaf,
    by: readonly string[],
    group: GroupKey,
    value: number,
    windowMs: number,
    nowMs: number,
  ): Growth {
    const track = this.tracks.get(leafKey(leaf, by))?.get(group);
    if (!track) return { delta: 0, coveredMs: 0 };
    const ring = windowMs <= this.fineSpanMs ? track.fine : track.coarse;
    for (let i = Math.max(0, ring.indexAtOrBefore(nowMs - windowMs)); i < ring.length; i++) {
      const base = ring.value(i);
      if (Number.isNaN(base)) continue;
      return { delta: value < base ? value : value - base, coveredMs: nowMs - ring.time(i) };
    }
    return { delta: 0, coveredMs: 0 };
  }

  /** Values of a leaf within the window, oldest first, without the gaps. */
  series(
    leaf: Leaf,
    by: readonly string[],
    group: GroupKey,
    windowMs: number,
    nowMs: number,
  ): readonly { atMs: number; value: number }[] {
    const track = this.tracks.get(leafKey(leaf, by))?.get(group);
    if (!track) return [];
    const ring = windowMs <= this.fineSpanMs ? track.fine : track.coarse;
    const out: { atMs: number; value: number }[] = [];
    for (let i = ring.indexAtOrBefore(nowMs - windowMs) + 1; i < ring.length; i++) {
      const value = ring.value(i);
      if (!Number.isNaN(value)) out.push({ atMs: ring.time(i), value });
    }
    return out;
  }

  private get fineSpanMs(): number {
    return this.shape.fineMs * (this.shape.fineSlots - 2);
  }

  private add(
    groups: Map<GroupKey, Track>,
    group: GroupKey,
    labels: Readonly<Record<string, string>>,
  ): Track | undefined {
    if (groups.size >= maxGroups) {
      this.dropped++;
      return undefined;
    }
    const { fineMs, fineSlots, coarseMs, coarseSlots } = this.shape;
    // A little under the step: a timer that comes early by a millisecond must not lose its sample.
    const track = {
      fine: new SampleRing(fineSlots, fineMs * 0.9),
      coarse: new SampleRing(coarseSlots, coarseMs * 0.98),
      labels,
    };
    groups.set(group, track);
    return track;
  }
}

const leafKey = (leaf: Leaf, by: readonly string[]): string =>
  JSON.stringify([leaf.of.metric.name, leaf.of.where ?? {}, leaf.part, leaf.reduce, by]);
