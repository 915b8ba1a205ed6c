import { Injectable } from '@nestjs/common';
import type { PoolClient } from 'pg';
import type { LimitStatus } from '../domain/events.js';
import { decodeCursor, encodeCursor } from './cursor.js';
import { Database, statementTimeoutMs } from './database.js';
import { QueryMeter } from './query-meter.js';
import { bucketSql, type Gaps } from './rollups/history-sql.js';
import { autoResolution, bucketAt, nameOf, type Resolution } from './rollups/resolution.js';

export interface HistoryQuery {
  readonly portfolioIds: readonly string[];
  /** `undefined`: every metric of the portfolios. */
  readonly metricTypes?: readonly string[];
  readonly fromMs: number;
  /** Exclusive. */
  readonly toMs: number;
  readonly resolution: Resolution | 'auto';
  readonly gaps?: Gaps;
  readonly cursor?: string;
  /** Buckets (or raw rows) per page; at most {@link maxHistoryPage}. */
  readonly limit?: number;
}

/** One series of a page. */
export interface HistorySeries {
  readonly portfolioId: string;
  readonly metricType: string;
  /** Time of the newest value in the buckets, Unix ms; `null` without any. */
  readonly asOfMs: number | null;
  /** JSON text: `[{"bucket":…,"avg":…,"min":…,"max":…,"first":…,"last":…,"count":…}, …]`, oldest first. */
  readonly bucketsJson: string;
}

export interface HistoryPage {
  /** `raw`, `5m`, … */
  readonly resolutionUsed: string;
  /** The span asked for, aligned to buckets. */
  readonly fromMs: number;
  readonly toMs: number;
  /** Portfolios asked for of which there is no such metric at all. */
  readonly withoutData: readonly string[];
  /** Series of this page; the last one may go on in the next. */
  readonly series: readonly HistorySeries[];
  readonly nextCursor: string | null;
}

/** The newest value of one metric with the limit on it. */
export interface LatestMetric {
  readonly metricType: string;
  /** Who computed it: the risk stage, or analytics and clients; `null` without a value. */
  readonly kind: 'risk' | 'analytics' | null;
  /** `null` when a limit waits for its first value. */
  readonly value: number | null;
  readonly tsMs: number | null;
  readonly limit: {
    readonly id: string;
    readonly thresholdValue: number;
    readonly warningThreshold: number;
    readonly clearThreshold: number | null;
    readonly status: LimitStatus;
  } | null;
  /** |value| over threshold; `null` without either. */
  readonly utilization: number | null;
}

/** A limit with a value, as it was last evaluated. */
export interface WorstLimit {
  readonly limitId: string;
  readonly portfolioId: string;
  readonly limitType: string;
  readonly currentValue: number;
  readonly thresholdValue: number;
  readonly utilization: number;
  readonly status: LimitStatus;
}

export const maxHistoryPage = 100_000;
/** Metrics of one portfolio in one answer. */
const maxLatest = 1_000;
const defaultHistoryPage = 50_000;

interface Series {
  readonly portfolio_id: string;
  readonly metric_type: string;
}

/** A part of the answer: a series and where in it to begin and to end. */
interface Slice extends Series {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Compiling a query of this kind takes longer than running it. */
const snapshot = `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
  SET LOCAL statement_timeout = ${statementTimeoutMs.report}; SET LOCAL jit = off; SET LOCAL datestyle = 'ISO'`;

/** Reads metrics: history from the roll-ups with the newest rows added, and the newest values. */
@Injectable()
export class MetricRepository {
  constructor(
    private readonly database: Database,
    private readonly meter: QueryMeter,
  ) {}

  /**
   * Buckets of one or many series. All statements see one snapshot.
   * @throws Problem 400 `INVALID_CURSOR`, 503 `QUERY_TIMEOUT`
   */
  history(query: HistoryQuery): Promise<HistoryPage> {
    return this.meter.time(
      (page) => (page?.resolutionUsed === 'raw' ? 'history_raw' : 'history_rollup'),
      () => this.readHistory(query),
    );
  }

  /**
   * The newest value of every metric of a portfolio, whoever computed it, joined with the limits in force, worst first;
   * limits without a value and metrics without a limit included; at most {@link maxLatest}.
   */
  latestWithLimits(portfolioId: string): Promise<LatestMetric[]> {
    return this.meter.time('latest', () => this.readLatest(portfolioId));
  }

  /** The limits in force that are closest to their threshold (or furthest beyond it), over all portfolios. */
  async worstLimits(limit = 20): Promise<WorstLimit[]> {
    const { rows } = await this.database.reader.query<{
      id: string;
      portfolio_id: string;
      limit_type: string;
      current_value: number;
      threshold_value: number;
      status: LimitStatus;
    }>({
      name: 'worst_limits',
      // Index risk_limits_utilization, read from its beginning.
      text: `SELECT id, portfolio_id, limit_type, current_value, threshold_value, status FROM risk_limits
        WHERE active AND deleted_at IS NULL AND current_value / threshold_value IS NOT NULL
        ORDER BY current_value / threshold_value DESC NULLS LAST LIMIT $1`,
      values: [limit],
    });
    return rows.map((r) => ({
      limitId: r.id,
      portfolioId: r.portfolio_id,
      limitType: r.limit_type,
      currentValue: r.current_value,
      thresholdValue: r.threshold_value,
      utilization: r.current_value / r.threshold_value,
      status: r.status,
    }));
  }

  private readHistory(query: HistoryQuery): Promise<HistoryPage> {
    return this.database.reader.transaction(async (client) => {
      const series = await this.seriesOf(client, query);
      const resolution =
        query.resolution === 'auto'
          ? autoResolution(query.toMs - query.fromMs, series.length)
          : query.resolution;
      const limit = Math.min(Math.max(1, query.limit ?? defaultHistoryPage), maxHistoryPage);
      const page = await (resolution === 'raw'
        ? this.rawPage(client, query, series, limit)
        : this.bucketPage(client, query, series, resolution.widthMs, limit));
      const found = new Set(series.map((s) => s.portfolio_id));
      return { ...page, withoutData: query.portfolioIds.filter((id) => !found.has(id)) };
    }, snapshot);
  }

  private async readLatest(portfolioId: string): Promise<LatestMetric[]> {
    const { rows } = await this.database.reader.query<{
      metric_type: string;
      kind: 'risk' | 'analytics' | null;
      value: number | null;
      ts_ms: number | null;
      limit_id: string | null;
      threshold_value: number;
      warning_threshold: number;
      clear_threshold: number | null;
      status: LimitStatus;
      utilization: number | null;
    }>({
      name: 'latest_with_limits',
      // latest_metrics (primary key) names the metrics and bounds the look into risk_metrics (risk_metrics_portfolio_time),
      // which it may be a second behind; the limits come from risk_limits_active_portfolio.
      text: `SELECT coalesce(m.metric_type, l.limit_type) AS metric_type, m.kind, m.value,
          (extract(epoch FROM m.ts) * 1000)::float8 AS ts_ms, l.id AS limit_id,
          l.threshold_value, l.warning_threshold, l.clear_threshold, l.status,
          abs(m.value) / l.threshold_value AS utilization
        FROM (
          SELECT DISTINCT ON (k.metric_type) k.metric_type, k.kind, coalesce(v.value, k.value) AS value,
            coalesce(v.ts, k."timestamp") AS ts
          FROM latest_metrics k LEFT JOIN LATERAL (
            SELECT r.value, r."timestamp" AS ts FROM risk_metrics r
            WHERE k.kind = 'risk' AND r.portfolio_id = k.portfolio_id AND r.metric_type = k.metric_type
              AND r."timestamp" >= k."timestamp"
            ORDER BY r."timestamp" DESC LIMIT 1) v ON true
          WHERE k.portfolio_id = $1 ORDER BY k.metric_type, coalesce(v.ts, k."timestamp") DESC) m
        FULL JOIN (
          SELECT * FROM risk_limits WHERE portfolio_id = $1 AND active AND deleted_at IS NULL) l
          ON l.limit_type = m.metric_type
        ORDER BY utilization DESC NULLS LAST, metric_type, limit_id LIMIT $2`,
      values: [portfolioId, maxLatest],
    });
    return rows.map((r) => ({
      metricType: r.metric_type,
      kind: r.kind,
      value: r.value,
      tsMs: r.ts_ms,
      limit:
        r.limit_id === null
          ? null
          : {
              id: r.limit_id,
              thresholdValue: r.threshold_value,
              warningThreshold: r.warning_threshold,
              clearThreshold: r.clear_threshold,
              status: r.status,
            },
      utilization: r.utilization,
    }));
  }

  /** The series asked for that exist, by portfolio and metric, from where the cursor points. */
  private async seriesOf(
    client: PoolClient,
    { portfolioIds, metricTypes }: HistoryQuery,
  ): Promise<readonly Series[]> {
    const { rows } = await client.query<Series>({
      name: 'history_series',
      text: `SELECT portfolio_id, metric_type FROM latest_metrics
        WHERE kind = 'analytics' AND portfolio_id = ANY ($1) AND ($2::text[] IS NULL OR metric_type = ANY ($2))
        ORDER BY portfolio_id COLLATE "C", metric_type COLLATE "C"`,
      values: [portfolioIds, metricTypes ?? null],
    });
    return rows;
  }

  private async bucketPage(
    client: PoolClient,
    query: HistoryQuery,
    series: readonly Series[],
    widthMs: number,
    limit: number,
  ): Promise<Omit<HistoryPage, 'withoutData'>> {
    const fromMs = bucketAt(query.fromMs, widthMs);
    const toMs = bucketAt(query.toMs - 1, widthMs) + widthMs;
    const list = listOf(query, nameOf({ widthMs }));
    const { slices, nextCursor } = slice(series, {
      list,
      fromMs,
      toMs,
      widthMs,
      limit,
      cursor: query.cursor,
    });
    const out: HistorySeries[] = [];
    const state = await this.rollupState(client, query.portfolioIds, fromMs, toMs);
    // Slices of the same span (all, except one that the page cuts) are one statement.
    for (let i = 0; i < slices.length; ) {
      const first = slices[i] as Slice;
      let end = i + 1;
      while (slices[end]?.fromMs === first.fromMs && slices[end]?.toMs === first.toMs) end++;
      const group = slices.slice(i, end);
      i = end;
      const sql = bucketSql({
        dialect: this.database.dialect,
        widthMs,
        gaps: query.gaps ?? 'omit',
        stale: state.stale,
      });
      const { rows } = await client.query<Series & { as_of_ms: number | null; buckets: string }>(sql, [
        group.map((s) => s.portfolio_id),
        group.map((s) => s.metric_type),
        new Date(first.fromMs),
        new Date(first.toMs),
        ...(state.rolledUpTo === null ? [] : [state.rolledUpTo]),
      ]);
      for (const r of rows) {
        out.push({
          portfolioId: r.portfolio_id,
          metricType: r.metric_type,
          asOfMs: r.as_of_ms,
          bucketsJson: r.buckets,
        });
      }
    }
    return { resolutionUsed: nameOf({ widthMs }), fromMs, toMs, series: out, nextCursor };
  }

  /** Where the roll-ups end and whether some of their buckets are stale, in the snapshot of the answer. */
  private async rollupState(
    client: PoolClient,
    portfolioIds: readonly string[],
    fromMs: number,
    toMs: number,
  ): Promise<{ rolledUpTo: string | null; stale: boolean }> {
    if (this.database.dialect === 'timescale') return { rolledUpTo: null, stale: false };
    const { rows } = await client.query<{ at: string; stale: boolean }>({
      name: 'history_state',
      text: `SELECT rolled_up_to::text AS at, EXISTS (
          SELECT FROM rollup_dirty WHERE portfolio_id = ANY ($1) AND to_minute > $2 AND from_minute < $3) AS stale
        FROM rollup_watermark`,
      values: [portfolioIds, new Date(fromMs), new Date(toMs)],
    });
    return { rolledUpTo: rows[0]?.at ?? '-infinity', stale: rows[0]?.stale ?? false };
  }

  private async rawPage(
    client: PoolClient,
    query: HistoryQuery,
    series: readonly Series[],
    limit: number,
  ): Promise<Omit<HistoryPage, 'withoutData'>> {
    const list = listOf(query, 'raw');
    const [portfolio, metric, fromUs, skip] =
      query.cursor === undefined
        ? ['', '', '', 0]
        : decodeCursor(list, query.cursor, ['text', 'text', 'us?', 'count']);
    const out: HistorySeries[] = [];
    let left = limit;
    let nextCursor: string | null = null;
    for (const s of series) {
      const order = compare(s, { portfolio_id: portfolio, metric_type: metric });
      if (order < 0) continue;
      if (left === 0) {
        nextCursor = encodeCursor(list, [s.portfolio_id, s.metric_type, '', 0]);
        break;
      }
      const resumed = order === 0 && fromUs !== '';
      const page = await this.rawSlice(client, s, query, left, resumed ? fromUs : null, resumed ? skip : 0);
      out.push(page.series);
      left -= page.count;
      if (page.more) {
        nextCursor = encodeCursor(list, [s.portfolio_id, s.metric_type, page.lastUs, page.skip]);
        break;
      }
    }
    return { resolutionUsed: 'raw', fromMs: query.fromMs, toMs: query.toMs, series: out, nextCursor };
  }

  /** Rows of one series; those of one microsecond have no order of their own, so the cursor counts them. */
  private async rawSlice(
    client: PoolClient,
    s: Series,
    query: HistoryQuery,
    limit: number,
    fromUs: string | null,
    skip: number,
  ): Promise<{ series: HistorySeries; count: number; more: boolean; lastUs: string; skip: number }> {
    const { rows } = await client.query<{
      n: number;
      as_of_ms: number | null;
      last_us: string;
      ties: number;
      buckets: string;
    }>({
      name: 'history_raw',
      // Index analytics_metrics_portfolio_time.
      text: `WITH page AS (
          SELECT "timestamp" AS ts, value FROM analytics_metrics
          WHERE portfolio_id = $1 AND metric_type = $2
            AND "timestamp" >= coalesce(timestamptz 'epoch' + $3::bigint * interval '1 microsecond', $4::timestamptz)
            AND "timestamp" < $5::timestamptz
          ORDER BY "timestamp", value OFFSET $6 LIMIT $7)
        SELECT count(*)::int AS n, (extract(epoch FROM max(ts)) * 1000)::float8 AS as_of_ms,
          (extract(epoch FROM max(ts)) * 1000000)::bigint::text AS last_us,
          (SELECT count(*)::int FROM page WHERE ts = (SELECT max(ts) FROM page)) AS ties,
          coalesce(json_agg(json_build_object('bucket', to_char(ts AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
            'avg', value, 'min', value, 'max', value, 'first', value, 'last', value, 'count', 1) ORDER BY ts, value),
            '[]')::text AS buckets
        FROM page`,
      values: [
        s.portfolio_id,
        s.metric_type,
        fromUs,
        new Date(query.fromMs),
        new Date(query.toMs),
        skip,
        limit,
      ],
    });
    const r = rows[0];
    const count = r?.n ?? 0;
    // All of the page within the microsecond that it began with: what was skipped before counts on.
    const ties = (r?.ties ?? 0) + (r?.last_us === fromUs ? skip : 0);
    return {
      series: {
        portfolioId: s.portfolio_id,
        metricType: s.metric_type,
        asOfMs: r?.as_of_ms ?? null,
        bucketsJson: r?.buckets ?? '[]',
      },
      count,
      more: count === limit,
      lastUs: r?.last_us ?? '',
      skip: ties,
    };
  }
}

/** What a cursor is bound to. The span is not: one that ends now moves from page to page. */
const listOf = ({ portfolioIds, metricTypes }: HistoryQuery, resolutionUsed: string): string[] => [
  'history',
  resolutionUsed,
  JSON.stringify([...portfolioIds].sort()),
  JSON.stringify(metricTypes === undefined ? null : [...metricTypes].sort()),
];

/** Cuts the answer into pages of at most `limit` buckets, counting empty ones: the cut does not depend on the data. */
export function slice(
  series: readonly { readonly portfolio_id: string; readonly metric_type: string }[],
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
function compare(a: Series, b: Series): number {
  if (a.portfolio_id !== b.portfolio_id) return a.portfolio_id < b.portfolio_id ? -1 : 1;
  if (a.metric_type !== b.metric_type) return a.metric_type < b.metric_type ? -1 : 1;
  return 0;
}
