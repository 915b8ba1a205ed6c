import { Injectable } from '@nestjs/common';
import { Database } from './database.js';

const dayMs = 86_400_000;
/** Rows per statement. */
const chunkRows = 5_000;

/** One trading day of one symbol. */
export interface DailyBar {
  readonly symbol: string;
  /** Days since 1970-01-01. */
  readonly day: number;
  readonly close: number;
  /** Adjusted for splits and dividends. Default: `close`. */
  readonly closeAdjusted?: number;
  readonly open?: number | null;
  readonly high?: number | null;
  readonly low?: number | null;
  /** Units traded. */
  readonly volume?: number | null;
}

/** Adjusted closes of one symbol, oldest first. */
export interface DailyCloses {
  readonly symbol: string;
  /** Days since 1970-01-01, strictly increasing. */
  readonly days: Int32Array;
  /** Adjusted; `closes[i]` belongs to `days[i]`. */
  readonly closes: Float64Array;
}

/** The UTC day of a moment, in days since 1970-01-01. */
export const epochDay = (ms: number): number => Math.floor(ms / dayMs);

/** `replay`: recorded days, unrelated to the times of the symbol's ticks. */
export type BarSource = 'given' | 'replay';

/** Daily bars, read as return history. The end-of-day job adds those of ticks (`EndOfDay`), never in place of these. */
@Injectable()
export class BarRepository {
  constructor(private readonly database: Database) {}

  /**
   * Inserts bars or replaces those of the same symbol and day, whatever their source. Symbols with `replay` bars lose the
   * closes made from ticks. @returns rows written
   */
  async upsert(bars: readonly DailyBar[], source: BarSource = 'given'): Promise<number> {
    // One row per key and statement: ON CONFLICT refuses to touch a row twice. The last one given wins.
    const unique = [...new Map(bars.map((b) => [`${b.symbol}\n${b.day}`, b])).values()];
    let written = 0;
    await this.database.writer.transaction(async (client) => {
      if (source === 'replay') {
        await client.query("DELETE FROM daily_bars WHERE symbol = ANY ($1) AND source = 'ticks'", [
          [...new Set(bars.map((b) => b.symbol))],
        ]);
      }
      for (let from = 0; from < unique.length; from += chunkRows) {
        const part = unique.slice(from, from + chunkRows);
        const { rowCount } = await client.query({
          name: 'daily_bars_upsert',
          text: `INSERT INTO daily_bars (symbol, day, open, high, low, close, close_adj, volume, source)
            SELECT s, date '1970-01-01' + d, o, h, l, c, a, v, $9
            FROM unnest($1::text[], $2::int[], $3::float8[], $4::float8[], $5::float8[], $6::float8[],
              $7::float8[], $8::float8[]) AS u(s, d, o, h, l, c, a, v)
            ORDER BY s, d
            ON CONFLICT (symbol, day) DO UPDATE SET open = excluded.open, high = excluded.high,
              low = excluded.low, close = excluded.close, close_adj = excluded.close_adj, volume = excluded.volume,
              source = excluded.source`,
          values: [
            part.map((b) => b.symbol),
            part.map((b) => b.day),
            part.map((b) => b.open ?? null),
            part.map((b) => b.high ?? null),
            part.map((b) => b.low ?? null),
            part.map((b) => b.close),
            part.map((b) => b.closeAdjusted ?? b.close),
            part.map((b) => b.volume ?? null),
            source,
          ],
        });
        written += rowCount ?? 0;
      }
    });
    return written;
  }

  /**
   * Adjusted closes of each symbol that has any, in the order asked for.
   * @param options.toDay last day wanted, inclusive
   * @param options.limit newest days per symbol
   */
  async closes(
    symbols: readonly string[],
    { toDay, limit }: { readonly toDay?: number; readonly limit?: number } = {},
  ): Promise<DailyCloses[]> {
    const { rows } = await this.database.reader.query<{
      symbol: string;
      days: number[];
      closes: number[];
    }>({
      name: 'daily_closes',
      // Primary key (symbol, day), read backwards from toDay.
      text: `SELECT s.symbol, array_agg(b.day - date '1970-01-01' ORDER BY b.day) AS days,
          array_agg(b.close_adj ORDER BY b.day) AS closes
        FROM unnest($1::text[]) WITH ORDINALITY AS s(symbol, place)
        CROSS JOIN LATERAL (SELECT day, close_adj FROM daily_bars
          WHERE symbol = s.symbol AND day <= date '1970-01-01' + $2::int
          ORDER BY day DESC LIMIT $3) b
        GROUP BY s.symbol, s.place ORDER BY s.place`,
      values: [symbols, toDay ?? maxDay, limit ?? null],
    });
    return rows.map((r) => ({
      symbol: r.symbol,
      days: Int32Array.from(r.days),
      closes: Float64Array.from(r.closes),
    }));
  }

  /** Symbols with bars and the span of their days. */
  async symbols(): Promise<{ symbol: string; firstDay: number; lastDay: number; days: number }[]> {
    const { rows } = await this.database.reader.query<{
      symbol: string;
      first_day: number;
      last_day: number;
      days: number;
    }>(`SELECT symbol, min(day) - date '1970-01-01' AS first_day, max(day) - date '1970-01-01' AS last_day,
          count(*)::int AS days FROM daily_bars GROUP BY symbol ORDER BY symbol`);
    return rows.map((r) => ({ symbol: r.symbol, firstDay: r.first_day, lastDay: r.last_day, days: r.days }));
  }
}

/** Year 9999. */
const maxDay = 2_932_896;
