import { Injectable } from '@nestjs/common';
import type { StoredTick } from '../domain/tick.js';
import { decodeCursor, encodeCursor } from './cursor.js';
import { Database } from './database.js';
import { QueryMeter } from './query-meter.js';

export interface TickQuery {
  readonly symbol: string;
  /** Inclusive; `undefined` is from the first. */
  readonly fromMs?: number;
  /** Exclusive; `undefined` is to the last. */
  readonly toMs?: number;
  readonly cursor?: string;
  /** At most {@link maxTickPage}. */
  readonly limit?: number;
}

export interface TickPage {
  /** By time, then by `seq`. */
  readonly ticks: readonly StoredTick[];
  /** Where the next page begins; `null` on the last. */
  readonly nextCursor: string | null;
}

export interface ReplayQuery {
  /** Inclusive. */
  readonly fromSeq: number;
  /** Exclusive; `undefined` is up to what is committed when the replay gets there. */
  readonly toSeq?: number;
  readonly symbols?: readonly string[];
}

/** The newest price of a symbol as far as a point of the total order. */
export interface LastPrice {
  readonly symbol: string;
  readonly price: number;
  readonly tsMs: number;
  readonly seq: number;
}

/** Ticks of a symbol in a span of the total order. */
export interface SymbolCount {
  readonly stored: number;
  /** Those that were not late: older than no earlier tick of the symbol. Only they move a live price. */
  readonly moving: number;
}

export const maxTickPage = 10_000;
const defaultTickPage = 1_000;

/** Numbers of the total order that a replay reads at a time. */
const replaySpan = 50_000;
/** Holes of the order (unused reservations of a crashed process) are skipped in growing steps. */
const maxSpan = 4_000_000;

const columns =
  'seq::float8, symbol, (extract(epoch FROM ts) * 1000)::float8 AS ts_ms, price, size, source_id';
type TickRow = [number, string, number, number, number | null, string | null];

/** Reads ticks: exactly what was stored. */
@Injectable()
export class TickRepository {
  constructor(
    private readonly database: Database,
    private readonly meter: QueryMeter,
  ) {}

  /** Ticks of one symbol in time order. @throws Problem 400 `INVALID_CURSOR` */
  page(query: TickQuery): Promise<TickPage> {
    return this.meter.time('ticks', () => this.readPage(query));
  }

  private async readPage({
    symbol,
    fromMs,
    toMs,
    cursor,
    limit = defaultTickPage,
  }: TickQuery): Promise<TickPage> {
    const take = Math.min(Math.max(1, limit), maxTickPage);
    const list = ['ticks', symbol];
    const [afterUs, afterSeq] =
      cursor === undefined ? [null, 0] : decodeCursor(list, cursor, ['us', 'count']);
    // The cursor carries whole microseconds as text: a float of milliseconds could skip or repeat the ticks of one.
    const { rows } = await this.database.reader.query<{ tick: TickRow; us: string }>({
      name: 'ticks_page',
      // Index ticks_symbol_ts; the few ticks of one microsecond are sorted by seq on the way.
      text: `SELECT json_build_array(seq, symbol, (extract(epoch FROM ts) * 1000)::float8, price, size, source_id) AS tick,
          (extract(epoch FROM ts) * 1000000)::bigint AS us
        FROM ticks
        WHERE symbol = $1 AND ts >= to_timestamp($2::float8 / 1000) AND ts < to_timestamp($3::float8 / 1000)
          AND ($4::text IS NULL OR (ts >= timestamptz 'epoch' + $4::bigint * interval '1 microsecond'
            AND (ts, seq) > (timestamptz 'epoch' + $4::bigint * interval '1 microsecond', $5::bigint)))
        ORDER BY symbol, ts, seq LIMIT $6`,
      values: [symbol, fromMs ?? earliestMs, toMs ?? latestMs, afterUs, afterSeq, take + 1],
    });
    const more = rows.length > take;
    const page = more ? rows.slice(0, take) : rows;
    const last = page.at(-1);
    return {
      ticks: page.map(({ tick }) => toTick(tick)),
      nextCursor: more && last ? encodeCursor(list, [last.us, last.tick[0]]) : null,
    };
  }

  /**
   * Ticks in the total order, in batches of at most 50,000: applying them reproduces the live engine's state.
   * Reads what is committed when it gets there; to follow a moving end, ask again from the last `seq` + 1.
   */
  async *replay({ fromSeq, toSeq, symbols }: ReplayQuery): AsyncGenerator<readonly StoredTick[]> {
    const end = toSeq ?? (await this.endOfOrder());
    let span = replaySpan;
    for (let from = fromSeq; from < end; ) {
      const to = Math.min(from + span, end);
      if (span > replaySpan) {
        // In a hole. A longer span is only looked into: how many rows it holds is not bounded.
        const next = await this.firstSeq(from, to, symbols);
        span = next === null ? Math.min(span * 2, maxSpan) : replaySpan;
        from = next ?? to;
        continue;
      }
      const ticks = await this.readSpan(from, to, symbols);
      if (ticks.length > 0) yield ticks;
      else span *= 2;
      from = to;
    }
  }

  private async readSpan(from: number, to: number, symbols?: readonly string[]): Promise<StoredTick[]> {
    const { rows } = await this.database.reader.query<TickRow>({
      // Index ticks_seq_brin. Without a name: from its sixth run on a named statement is planned for any span and any list of
      // symbols, and then looks every tick of every symbol up (2 s in place of 0.2 s).
      text: `SELECT ${columns} FROM ticks WHERE seq >= $1 AND seq < $2
        ${symbols ? 'AND symbol = ANY ($3)' : ''} ORDER BY seq`,
      values: symbols ? [from, to, symbols] : [from, to],
      rowMode: 'array',
    } as never);
    return (rows as unknown as TickRow[]).map(toTick);
  }

  private async firstSeq(from: number, to: number, symbols?: readonly string[]): Promise<number | null> {
    const { rows } = await this.database.reader.query<{ first: number | null }>({
      // Without a name, as above. Index ticks_seq_brin; with LIMIT 1 in place of min() the planner would begin at the first tick
      // of all.
      text: `SELECT min(seq)::float8 AS first FROM ticks WHERE seq >= $1 AND seq < $2
        ${symbols ? 'AND symbol = ANY ($3)' : ''}`,
      values: symbols ? [from, to, symbols] : [from, to],
    });
    return rows[0]?.first ?? null;
  }

  /**
   * The newest tick (by time, then by `seq`) of every symbol.
   * @param beforeSeq only ticks before this point of the order
   * @param bySymbol symbols for which that is another point
   */
  async lastPrices(
    beforeSeq?: number,
    bySymbol: ReadonlyMap<string, number> = new Map(),
  ): Promise<readonly LastPrice[]> {
    const { rows } = await this.database.reader.query<{
      symbol: string;
      price: number;
      ts_ms: number;
      seq: number;
    }>({
      name: beforeSeq === undefined ? 'last_prices' : 'last_prices_before',
      // latest_ticks names every symbol; index ticks_symbol_ts finds the newest tick of each.
      text: `SELECT l.symbol, t.price, (extract(epoch FROM t.ts) * 1000)::float8 AS ts_ms, t.seq::float8 AS seq
        FROM latest_ticks l ${beforeSeq === undefined ? '' : 'LEFT JOIN unnest($2::text[], $3::bigint[]) AS b(symbol, seq) ON b.symbol = l.symbol'}
        CROSS JOIN LATERAL (
          SELECT price, ts, seq FROM ticks
          WHERE symbol = l.symbol AND ${beforeSeq === undefined ? 'ts >= l.ts' : 'seq < coalesce(b.seq, $1)'}
          ORDER BY ts DESC, seq DESC LIMIT 1) t`,
      values: beforeSeq === undefined ? [] : [beforeSeq, [...bySymbol.keys()], [...bySymbol.values()]],
    });
    return rows.map((r) => ({ symbol: r.symbol, price: r.price, tsMs: r.ts_ms, seq: r.seq }));
  }

  /**
   * Counts the ticks of each symbol in a span of the total order.
   * @param parts of equal length into which the span is divided
   * @returns the counts of each part, oldest first
   */
  async symbolCounts(
    fromSeq: number,
    toSeq: number,
    parts: number,
  ): Promise<readonly ReadonlyMap<string, SymbolCount>[]> {
    const { rows } = await this.database.reader.query<[string, number, number, number]>({
      // Without a name, as above. Index ticks_seq_brin for the span; ticks_symbol_ts finds the newest tick before it.
      text: `WITH span AS (
          SELECT symbol, ts, ((seq - $1) * $3::int / ($2 - $1))::int AS part,
            max(ts) OVER (PARTITION BY symbol ORDER BY seq ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS newest
          FROM ticks WHERE seq >= $1 AND seq < $2),
        before AS (
          SELECT s.symbol, b.ts FROM (SELECT DISTINCT symbol FROM span) s CROSS JOIN LATERAL (
            SELECT ts FROM ticks WHERE symbol = s.symbol AND seq < $1 ORDER BY ts DESC LIMIT 1) b)
        SELECT symbol, part, count(*)::float8 AS stored,
          (count(*) FILTER (WHERE span.ts >= coalesce(greatest(span.newest, before.ts), span.ts)))::float8 AS moving
        FROM span LEFT JOIN before USING (symbol) GROUP BY symbol, part`,
      values: [fromSeq, toSeq, parts],
      rowMode: 'array',
    } as never);
    const counts = Array.from({ length: parts }, () => new Map<string, SymbolCount>());
    for (const [symbol, part, stored, moving] of rows as unknown as [string, number, number, number][]) {
      counts[part]!.set(symbol, { stored, moving });
    }
    return counts;
  }

  /** No number at or beyond this one has been given out. */
  async endOfOrder(): Promise<number> {
    const { rows } = await this.database.reader.query<{ next: string }>(
      'SELECT next_seq AS next FROM seq_source',
    );
    return Number(rows[0]?.next ?? 1);
  }
}

/** Bounds that no tick exceeds: a query without them would still prune its partitions. */
const earliestMs = 0;
const latestMs = Date.UTC(2200, 0, 1);

const toTick = ([seq, symbol, tsMs, price, size, sourceId]: TickRow): StoredTick => ({
  seq,
  symbol,
  tsMs,
  price,
  size,
  sourceId,
});
