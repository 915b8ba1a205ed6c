import { Injectable } from '@nestjs/common';
import type { PoolClient } from 'pg';
import { decodeCursor, encodeCursor } from './cursor.js';
import { Database, statementTimeoutMs } from './database.js';
import { QueryMeter } from './query-meter.js';
import { compare, listOf, type Series, type Slice, slice } from './rollups/history-pages.js';
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

export const maxHistoryPage = 100_000;
const defaultHistoryPage = 50_000;

/** Compiling a query of this kind takes longer than running it. */
const snapshot = `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
  SET LOCAL statement_timeout = ${statementTimeoutMs.report}; SET LOCAL jit = off; SET LOCAL datestyle = 'ISO'`;

/** Reads the history of metrics: from the roll-ups with the newest rows added, or raw. */
@Injectable()
export class HistoryRepository {
  constructor(
    private readonly database: Database,
    private readonly meter: QueryMeter,
  ) {}

  /**
   * Buckets of one or many series. All statements see one snapshot.
   * @throws Problem 400 `INVALID_CURSOR`, 503 `QUERY_TIMEOUT`
   */
  page(query: HistoryQuery): Promise<HistoryPage> {
    return this.meter.time(
      (page) => (page?.resolutionUsed === 'raw' ? 'history_raw' : 'history_rollup'),
      () => this.read(query),
    );
  }

  private read(query: HistoryQuery): Promise<HistoryPage> {
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
