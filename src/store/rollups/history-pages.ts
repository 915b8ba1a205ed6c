import { decodeCursor, encodeCursor } from '../cursor.js';
import { bucketAt } from './resolution.js';

/** One metric of one portfolio. */
export interface Series {
  readonly portfolio_id: string;
  readonly metric_type: string;
}

/** A part of the answer: a series and where in it to begin and to end. */
export interface Slice extends Series {
  readonly fromMs: number;
  readonly toMs: number;
}

/** What a cursor is bound to. The span is not: one that ends now moves from page to page. */
export const listOf = (
  {
    portfolioIds,
    metricTypes,
  }: { readonly portfolioIds: readonly string[]; readonly metricTypes?: readonly string[] },
  resolutionUsed: string,
): string[] => [
  'history',
  resolutionUsed,
  JSON.stringify([...portfolioIds].sort()),
  JSON.stringify(metricTypes === undefined ? null : [...metricTypes].sort()),
];

/** Cuts the answer into pages of at most `limit` buckets, counting empty ones: the cut does not depend on the data. */
export function slice(
  series: readonly Series[],
  page: {
    list: readonly string[];
    fromMs: number;
    toMs: number;
    widthMs: number;
    limit: number;
    cursor?: string | undefined;
  },
): { slices: Slice[]; nextCursor: string | null } {
  const [portfolio, metric, startMs] =
    page.cursor === undefined
      ? ['', '', page.fromMs]
      : decodeCursor(page.list, page.cursor, ['text', 'text', 'ms']);
  const resumeMs = bucketAt(startMs, page.widthMs);
  const slices: Slice[] = [];
  let left = page.limit;
  for (const s of series) {
    const order = compare(s, { portfolio_id: portfolio, metric_type: metric });
    if (order < 0) continue;
    const fromMs = order === 0 ? Math.min(Math.max(page.fromMs, resumeMs), page.toMs) : page.fromMs;
    if (left === 0) {
      return { slices, nextCursor: encodeCursor(page.list, [s.portfolio_id, s.metric_type, fromMs]) };
    }
    const wanted = (page.toMs - fromMs) / page.widthMs;
    if (wanted > left) {
      // A series is cut only when a page cannot hold it whole.
      if (slices.length > 0) {
        return { slices, nextCursor: encodeCursor(page.list, [s.portfolio_id, s.metric_type, fromMs]) };
      }
      const toMs = fromMs + left * page.widthMs;
      slices.push({ ...s, fromMs, toMs });
      return { slices, nextCursor: encodeCursor(page.list, [s.portfolio_id, s.metric_type, toMs]) };
    }
    slices.push({ ...s, fromMs, toMs: page.toMs });
    left -= wanted;
  }
  return { slices, nextCursor: null };
}

/** By code point, as `COLLATE "C"` orders UTF-8; ids are ASCII, where UTF-16 units order the same. */
export function compare(a: Series, b: Series): number {
  if (a.portfolio_id !== b.portfolio_id) return a.portfolio_id < b.portfolio_id ? -1 : 1;
  if (a.metric_type !== b.metric_type) return a.metric_type < b.metric_type ? -1 : 1;
  return 0;
}
