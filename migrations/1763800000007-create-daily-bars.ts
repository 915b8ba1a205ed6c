import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Daily bars: the return history that risk works on. A symbol has one row a day, so no partitions are needed. */
export class CreateDailyBars1763800000007 implements MigrationInterface {
  name = 'CreateDailyBars1763800000007';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`CREATE TABLE daily_bars (
      symbol text NOT NULL,
      day date NOT NULL,
      open double precision,
      high double precision,
      low double precision,
      close double precision NOT NULL CHECK (close > 0),
      close_adj double precision NOT NULL CHECK (close_adj > 0),
      volume double precision,
      PRIMARY KEY (symbol, day))`);
    await runner.query(
      "COMMENT ON COLUMN daily_bars.close_adj IS 'Adjusted for splits and dividends: what returns are computed from'",
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE daily_bars');
  }
}
