import type { Select, Signal } from '../signal.js';

/** What a signal shows for a while. */
export interface Level {
  readonly value: number;
  readonly forMs: number;
}

export interface SeriesInput {
  readonly series: string;
  /** promtool's notation: `start+stepxcount`, one piece per level. */
  readonly values: string;
  readonly stepMs: number;
}

export interface SeriesShape {
  readonly stepMs: number;
  readonly windowMs: number;
  readonly labels: Readonly<Record<string, string>>;
  /** Observations per second of histograms and of the events behind shares; 20 by default. */
  readonly eventsPerSecond?: number | undefined;
}

/**
 * Series that make a signal show given values: the opposite of reading it. Written apart from `promql.ts`, so that a
 * mistake there is found by promtool and not repeated here.
 */
export function seriesFor(
  signal: Signal,
  levels: readonly Level[],
  shape: SeriesShape,
): readonly SeriesInput[] {
  const events = shape.eventsPerSecond ?? 20;
  const counter = (name: string, of: Select, extra: Labels, perSecond: (v: number) => number) =>
    line(
      name,
      of,
      extra,
      shape,
      pieces(levels, shape, (v) => perSecond(v)),
    );
  switch (signal.kind) {
    case 'gauge':
      return [line(signal.of.metric.name, signal.of, {}, shape, constants(levels, shape))];
    case 'age':
      return [line(signal.of.metric.name, signal.of, {}, shape, ages(levels, shape))];
    case 'rate':
    case 'increase': {
      const seconds = signal.kind === 'rate' ? 1 : shape.windowMs / 1000;
      const suffix = signal.of.metric.type === 'histogram' ? '_count' : '';
      return [counter(signal.of.metric.name + suffix, signal.of, {}, (v) => v / seconds)];
    }
    case 'mean':
      return [
        counter(`${signal.of.metric.name}_count`, signal.of, {}, () => events),
        counter(`${signal.of.metric.name}_sum`, signal.of, {}, (v) => v * events),
      ];
    case 'share': {
      const name = signal.of.metric.name + (signal.of.metric.type === 'histogram' ? '_count' : '');
      const other = Object.fromEntries(Object.keys(signal.part.where ?? {}).map((label) => [label, 'other']));
      return [
        counter(name, signal.part, {}, (v) => v * events),
        counter(name, signal.of, other, (v) => (1 - v) * events),
      ];
    }
    case 'share_above': {
      const name = signal.of.metric.name;
      return [
        counter(`${name}_count`, signal.of, {}, () => events),
        counter(`${name}_bucket`, signal.of, { le: String(signal.edge) }, (v) => (1 - v) * events),
        counter(`${name}_bucket`, signal.of, { le: '+Inf' }, () => events),
      ];
    }
    case 'quantile': {
      const name = signal.of.metric.name;
      const edges = signal.of.metric.buckets ?? [];
      return [
        ...edges.map((le) =>
          counter(
            `${name}_bucket`,
            signal.of,
            { le: String(le) },
            (v) => within(signal.q, edges, v, le) * events,
          ),
        ),
        counter(`${name}_bucket`, signal.of, { le: '+Inf' }, () => events),
        counter(`${name}_count`, signal.of, {}, () => events),
      ];
    }
    case 'ratio':
      return [
        ...seriesFor(signal.over, levels, shape),
        ...seriesFor(
          signal.under,
          levels.map(({ forMs }) => ({ value: 1, forMs })),
          shape,
        ),
      ];
  }
}

type Labels = Readonly<Record<string, string>>;

/**
 * Share of the observations that must lie at or below `le` for the quantile `q` to be `value` under linear
 * interpolation: all of the rest below the bucket's lower edge or all within it, whichever reaches the value.
 */
function within(q: number, edges: readonly number[], value: number, le: number): number {
  const upper = edges.find((edge) => edge >= value);
  if (upper === undefined) throw new Error(`${value} lies above the last bucket edge`);
  const lower = edges[edges.indexOf(upper) - 1] ?? 0;
  const f = (value - lower) / (upper - lower);
  const [below, up] = f < q ? [(q - f) / (1 - f), 1] : [0, q / f];
  if (le > upper) return 1;
  if (le === upper) return up;
  // What lies below the bucket lies just below it, so that the smaller ones are empty.
  return le === lower ? below : 0;
}

function line(name: string, of: Select, extra: Labels, shape: SeriesShape, values: string): SeriesInput {
  const where = Object.fromEntries(
    Object.entries(of.where ?? {}).map(([label, value]) => [
      label,
      typeof value === 'string' ? value : (value[0] as string),
    ]),
  );
  const labels = Object.entries({ ...shape.labels, ...where, ...extra })
    .map(([label, value]) => `${label}="${value}"`)
    .join(', ');
  return { series: `${name}{${labels}}`, values, stepMs: shape.stepMs };
}

const count = (level: Level, shape: SeriesShape): number =>
  Math.max(1, Math.round(level.forMs / shape.stepMs));

/** `a+bxn` yields n + 1 values; each piece ends one step before the next begins. */
const piece = (start: number, step: number, n: number): string =>
  `${start}${step < 0 ? '-' : '+'}${Math.abs(step)}x${n - 1}`;

const constants = (levels: readonly Level[], shape: SeriesShape): string =>
  levels.map((level) => piece(level.value, 0, count(level, shape))).join(' ');

function pieces(levels: readonly Level[], shape: SeriesShape, perSecond: (value: number) => number): string {
  let start = 0;
  return levels
    .map((level) => {
      const step = (perSecond(level.value) * shape.stepMs) / 1000;
      const n = count(level, shape);
      const text = piece(start, step, n);
      start += step * n;
      return text;
    })
    .join(' ');
}

/** Times such that `time() - value` is the level's value throughout. */
function ages(levels: readonly Level[], shape: SeriesShape): string {
  let atSeconds = 0;
  return levels
    .map((level) => {
      const n = count(level, shape);
      const text = piece(atSeconds - level.value, shape.stepMs / 1000, n);
      atSeconds += (n * shape.stepMs) / 1000;
      return text;
    })
    .join(' ');
}
