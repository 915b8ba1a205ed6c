import type { PoolClient } from 'pg';
import type { EventBus } from '../domain/event-bus.js';
import { epochDay } from './bar.repository.js';
import type { Database } from './database.js';

/** A day is closed this long after its end: ticks written later than that are marked by their writer. */
const settleMs = 60_000;
/** Days closed, or marks worked off, in one transaction. */
const daysPerRun = 10;
const marksPerRun = 5_000;
/** Transactions of one run; what is left over waits for the next. */
const maxRuns = 20;
/** One at a time, whichever process. */
const lockId = 7_316_118_004;

const utc = (day: string): string => `((${day})::timestamp AT TIME ZONE 'UTC')`;

/** Closes of the days in `work`: the last tick by time, then by seq. Index ticks_symbol_ts. */
const barsOfWork = `INSERT INTO daily_bars (symbol, day, close, close_adj, source)
  SELECT w.symbol, w.day, t.price, t.price, 'ticks' FROM work w CROSS JOIN LATERAL (
    SELECT price FROM ticks WHERE symbol = w.symbol AND ts >= ${utc('w.day')} AND ts < ${utc('w.day + 1')}
    ORDER BY ts DESC, seq DESC LIMIT 1) t
  WHERE t.price > 0 AND NOT EXISTS (
    SELECT FROM daily_bars r WHERE r.symbol = w.symbol AND r.source = 'replay')
  ORDER BY w.symbol, w.day
  ON CONFLICT (symbol, day) DO UPDATE SET close = excluded.close, close_adj = excluded.close_adj
    WHERE daily_bars.source = 'ticks' AND daily_bars.close <> excluded.close
  RETURNING symbol`;

/**
 * Daily closes from stored ticks, of completed UTC days only. A day that ends is closed for every symbol (watermark);
 * a day that ticks come for later is marked by their writer, in the transaction of the ticks, and closed again. Marks
 * are taken and ticks read in one snapshot, so a batch is either seen whole or its marks are left for the next run.
 */
export class EndOfDay {
  constructor(
    private readonly database: Database,
    private readonly bus: EventBus,
    private readonly now: () => number = Date.now,
  ) {}

  async run(): Promise<void> {
    const lastDay = epochDay(this.now() - settleMs) - 1;
    // To plan the statements that do the work costs more than to see whether there is any.
    if (!(await this.hasWork(lastDay))) return;
    const changed = new Set<string>();
    try {
      for (let run = 0; run < maxRuns; run++) {
        const { symbols, more } = await this.runOnce(lastDay);
        for (const symbol of symbols) changed.add(symbol);
        if (!more) break;
      }
    } finally {
      if (changed.size > 0) this.bus.emit('bars.stored', { symbols: [...changed] });
    }
  }

  private async hasWork(lastDay: number): Promise<boolean> {
    const { rows } = await this.database.maintenance.query<{ work: boolean }>({
      name: 'end_of_day_work',
      text: `SELECT EXISTS (SELECT FROM daily_bars_dirty)
        OR EXISTS (SELECT FROM daily_bars_watermark WHERE closed_day < date '1970-01-01' + $1::int) AS work`,
      values: [lastDay],
    });
    return rows[0]?.work ?? true;
  }

  private runOnce(lastDay: number): Promise<{ symbols: readonly string[]; more: boolean }> {
    return this.database.maintenance.transaction(async (client) => {
      const { rows } = await client.query<{ mine: boolean }>('SELECT pg_try_advisory_xact_lock($1) AS mine', [
        lockId,
      ]);
      if (!rows[0]?.mine) return { symbols: [], more: false };
      const marks = await client.query<{ n: number; symbols: string[] }>(
        `WITH taken AS (DELETE FROM daily_bars_dirty
           WHERE ctid = ANY (ARRAY(SELECT ctid FROM daily_bars_dirty LIMIT $1)) RETURNING symbol, day),
         work AS (SELECT DISTINCT symbol, day FROM taken),
         bars AS (${barsOfWork})
         SELECT (SELECT count(*) FROM taken)::int AS n,
           ARRAY(SELECT DISTINCT symbol FROM bars) AS symbols`,
        [marksPerRun],
      );
      const closed = await this.closeDays(client, lastDay);
      return {
        symbols: [...(marks.rows[0]?.symbols ?? []), ...closed.symbols],
        more: marks.rows[0]?.n === marksPerRun || closed.more,
      };
    });
  }

  private async closeDays(
    client: PoolClient,
    lastDay: number,
  ): Promise<{ symbols: readonly string[]; more: boolean }> {
    const { rows } = await client.query<{ day: number }>(
      `SELECT coalesce(closed_day - date '1970-01-01', $1::int) AS day FROM daily_bars_watermark`,
      [lastDay],
    );
    const from = rows[0]?.day ?? lastDay;
    const to = Math.min(from + daysPerRun, lastDay);
    if (to <= from) return { symbols: [], more: false };
    const bars = await client.query<{ symbol: string }>(
      `WITH work AS (SELECT l.symbol, date '1970-01-01' + d AS day
         FROM latest_ticks l, generate_series($1::int, $2::int) d) ${barsOfWork}`,
      [from + 1, to],
    );
    await client.query(`UPDATE daily_bars_watermark SET closed_day = date '1970-01-01' + $1::int`, [to]);
    return { symbols: bars.rows.map((r) => r.symbol), more: to < lastDay };
  }
}
