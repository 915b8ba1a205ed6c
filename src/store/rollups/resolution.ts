const minuteMs = 60_000;
const dayMs = 86_400_000;

/** The stored roll-ups, finest first; the names are tables on one branch and continuous aggregates on the other. */
export const levels = [
  { table: 'metrics_1m', widthMs: minuteMs },
  { table: 'metrics_5m', widthMs: 5 * minuteMs },
  { table: 'metrics_1h', widthMs: 60 * minuteMs },
  { table: 'metrics_1d', widthMs: dayMs },
] as const;
export type Level = (typeof levels)[number];

/** What a history is made of: raw rows, or buckets of a whole number of minutes. */
export type Resolution = 'raw' | { readonly widthMs: number };

/** Widest bucket. */
const maxWidthMs = 366 * dayMs;

const unitMs = { m: minuteMs, h: 60 * minuteMs, d: dayMs } as const;
const words: Readonly<Record<string, keyof typeof unitMs>> = {
  m: 'm',
  min: 'm',
  minute: 'm',
  minutes: 'm',
  h: 'h',
  hour: 'h',
  hours: 'h',
  d: 'd',
  day: 'd',
  days: 'd',
};

/**
 * Reads `raw`, `auto`, `5m`, `1h`, `1d` or `5 minutes`.
 * @returns `null` when it is none of these or wider than {@link maxWidthMs}
 */
export function parseResolution(text: string): Resolution | 'auto' | null {
  if (text === 'raw' || text === 'auto') return text;
  const match = /^(\d{1,6})\s*([a-z]+)$/.exec(text);
  const unit = match && words[match[2] as string];
  if (!unit) return null;
  const widthMs = Number(match[1]) * unitMs[unit];
  return widthMs > 0 && widthMs <= maxWidthMs ? { widthMs } : null;
}

/** As {@link parseResolution} reads it: `raw`, `5m`, `1h`, `1d`. */
export function nameOf(resolution: Resolution): string {
  if (resolution === 'raw') return 'raw';
  const { widthMs } = resolution;
  if (widthMs % dayMs === 0) return `${widthMs / dayMs}d`;
  return widthMs % unitMs.h === 0 ? `${widthMs / unitMs.h}h` : `${widthMs / minuteMs}m`;
}

/** The coarsest stored roll-up that buckets of this width can be put together from. */
export function levelFor(widthMs: number): Level {
  return levels.findLast((level) => widthMs % level.widthMs === 0) ?? levels[0];
}

/** Points of one series that a chart can show, and points of one answer that a client wants at once. */
const pointsPerSeries = 1_500;
const pointsPerAnswer = 50_000;
const rawUpToMs = 10 * minuteMs;

/** The finest resolution that keeps a series and the whole answer readable. */
export function autoResolution(spanMs: number, series: number): Resolution {
  if (spanMs <= rawUpToMs) return 'raw';
  const perSeries = Math.min(pointsPerSeries, pointsPerAnswer / Math.max(1, series));
  const level = levels.find(({ widthMs }) => spanMs / widthMs <= perSeries) ?? levels[3];
  return { widthMs: level.widthMs };
}

/** Buckets are aligned to this moment, as `date_bin` and `time_bucket` are: a Monday. */
const bucketOriginMs = Date.UTC(2000, 0, 3);

/** Beginning of the bucket that holds a moment. */
export function bucketAt(tsMs: number, widthMs: number): number {
  return bucketOriginMs + Math.floor((tsMs - bucketOriginMs) / widthMs) * widthMs;
}
