import type { MetricSpec } from '../metric-spec.js';

/**
 * What a rule looks at, as data. One description has two readings that must agree: `promql.ts` writes it for
 * Prometheus, `signal-reader.ts` computes it inside the process.
 */
export type Signal =
  /** Value of a gauge now, or its average over the window; several series of one group are reduced to one. */
  | { readonly kind: 'gauge'; readonly of: Select; readonly reduce: Reduce; readonly overWindow?: boolean }
  /** Growth of a counter per second over the window. */
  | { readonly kind: 'rate'; readonly of: Select }
  /** Growth of a counter within the window. */
  | { readonly kind: 'increase'; readonly of: Select }
  /** Mean of a histogram's observations within the window. */
  | { readonly kind: 'mean'; readonly of: Select }
  /** Quantile `q` of a histogram's observations within the window; exact at the bucket edges. */
  | { readonly kind: 'quantile'; readonly q: number; readonly of: Select }
  /** Share of a histogram's observations within the window that are above `edge`, one of its bucket edges. */
  | { readonly kind: 'share_above'; readonly edge: number; readonly of: Select }
  /** Events that match `part` over all events of `of` within the window; 0 where there were events and none matched. */
  | { readonly kind: 'share'; readonly part: Select; readonly of: Select }
  /** Seconds since the time that a gauge holds; of several series, the oldest or the newest. */
  | { readonly kind: 'age'; readonly of: Select; readonly reduce: 'oldest' | 'newest' }
  /** One signal over another, of equal groups. */
  | { readonly kind: 'ratio'; readonly over: Signal; readonly under: Signal };

export type Reduce = 'max' | 'min' | 'sum';

/** What a signal needs to know of a metric. Those of collectors are named with {@link collected}; `src` imports none. */
export type MetricRef = Pick<MetricSpec, 'name' | 'type' | 'buckets'>;

/** A metric that a collector exports; a drift test compares the reference with the collector's manifest. */
export const collected = (name: string, type: MetricSpec['type'] = 'gauge'): MetricRef => ({ name, type });

/** The series of one metric whose labels match: a value, or one of several. */
export interface Select {
  readonly metric: MetricRef;
  readonly where?: Readonly<Record<string, string | readonly string[]>>;
}

/** A further condition without which a rule does not judge. Both sides in base units. */
export interface Guard {
  readonly signal: Signal;
  /** Where it differs from the rule's own. */
  readonly windowMs?: number;
  readonly op: '>' | '>=' | '<' | '<=';
  readonly value: number;
}

export const gaugeOf = (metric: MetricRef, reduce: Reduce = 'max', where?: Select['where']): Signal => ({
  kind: 'gauge',
  of: { metric, where },
  reduce,
});
export const averageOf = (metric: MetricRef, where?: Select['where']): Signal => ({
  kind: 'gauge',
  of: { metric, where },
  reduce: 'max',
  overWindow: true,
});
export const rateOf = (metric: MetricRef, where?: Select['where']): Signal => ({
  kind: 'rate',
  of: { metric, where },
});
export const increaseOf = (metric: MetricRef, where?: Select['where']): Signal => ({
  kind: 'increase',
  of: { metric, where },
});
export const meanOf = (metric: MetricRef, where?: Select['where']): Signal => ({
  kind: 'mean',
  of: { metric, where },
});
export const quantileOf = (q: number, metric: MetricRef, where?: Select['where']): Signal => ({
  kind: 'quantile',
  q,
  of: { metric, where },
});
export const shareAbove = (edge: number, metric: MetricRef, where?: Select['where']): Signal => ({
  kind: 'share_above',
  edge,
  of: { metric, where },
});
export const shareOf = (metric: MetricRef, part: Select['where']): Signal => ({
  kind: 'share',
  part: { metric, where: part },
  of: { metric },
});
export const ageOf = (metric: MetricRef, reduce: 'oldest' | 'newest', where?: Select['where']): Signal => ({
  kind: 'age',
  of: { metric, where },
  reduce,
});
export const ratioOf = (over: Signal, under: Signal): Signal => ({ kind: 'ratio', over, under });

/** Every selection in a signal, in order of appearance. */
export function selectionsOf(signal: Signal): readonly Select[] {
  if (signal.kind === 'ratio') return [...selectionsOf(signal.over), ...selectionsOf(signal.under)];
  return signal.kind === 'share' ? [signal.part, signal.of] : [signal.of];
}

/** The selection whose events are the samples behind a signal's value; `null` where they are the samples taken of it. */
export function eventsOf(signal: Signal): Select | null {
  switch (signal.kind) {
    case 'ratio':
      return eventsOf(signal.under) ?? eventsOf(signal.over);
    case 'gauge':
    case 'age':
    // No event at all is a growth of 0, and not unknown.
    case 'increase':
      return null;
    default:
      return signal.of;
  }
}
