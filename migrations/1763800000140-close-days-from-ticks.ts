import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Daily closes come from ticks too: whose a bar is, which days changed, how far days are closed. */
export class CloseDaysFromTicks1763800000140 implements MigrationInterface {
  name = 'CloseDaysFromTicks1763800000140';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE daily_bars ADD COLUMN source text NOT NULL DEFAULT 'given'
      CHECK (source IN ('ticks', 'given', 'replay'))`);
    await runner.query(
      "COMMENT ON COLUMN daily_bars.source IS 'ticks: made by the end-of-day job, never in place of another; given: supplied; replay: recorded days of the demo, whose symbols get no closes from ticks'",
    );
    await runner.query('CREATE TABLE daily_bars_dirty (symbol text NOT NULL, day date NOT NULL)');
    await runner.query(
      "COMMENT ON TABLE daily_bars_dirty IS 'Past days that ticks came for, written in the transaction of the ticks; emptied by the end-of-day job'",
    );
    await runner.query('CREATE TABLE daily_bars_watermark (closed_day date NOT NULL)');
    // Days of ticks that are stored already are closed by the first runs.
    await runner.query(`INSERT INTO daily_bars_watermark
      SELECT least(min(t.ts AT TIME ZONE 'UTC')::date, (now() AT TIME ZONE 'UTC')::date) - 1
      FROM latest_ticks l CROSS JOIN LATERAL (
        SELECT ts FROM ticks WHERE symbol = l.symbol ORDER BY ts LIMIT 1) t`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE daily_bars_watermark, daily_bars_dirty');
    await runner.query('ALTER TABLE daily_bars DROP COLUMN source');
  }
}
