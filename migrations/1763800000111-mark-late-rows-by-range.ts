import type { MigrationInterface, QueryRunner } from 'typeorm';
import { createIndex, onTimescale } from './time-table.js';

/**
 * Late rows are marked as spans of time instead of single minutes: an import in time order leaves one mark per portfolio
 * and batch, where it left one per minute, half as many as rows.
 */
export class MarkLateRowsByRange1763800000111 implements MigrationInterface {
  name = 'MarkLateRowsByRange1763800000111';

  async up(runner: QueryRunner): Promise<void> {
    if (await onTimescale(runner)) return;
    await runner.query('ALTER TABLE rollup_dirty RENAME COLUMN bucket TO from_minute');
    await runner.query('ALTER TABLE rollup_dirty ADD COLUMN to_minute timestamptz');
    await runner.query("UPDATE rollup_dirty SET to_minute = from_minute + interval '1 minute'");
    await runner.query(`ALTER TABLE rollup_dirty ALTER COLUMN to_minute SET NOT NULL,
      ADD CHECK (to_minute > from_minute)`);
    await runner.query('DROP INDEX rollup_dirty_portfolio');
    await createIndex(
      runner,
      'rollup_dirty_portfolio',
      'rollup_dirty (portfolio_id)',
      'whether stored buckets of a portfolio are stale: spans touched by late rows and not yet rolled up again',
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    if (await onTimescale(runner)) return;
    await runner.query(`INSERT INTO rollup_dirty (portfolio_id, from_minute, to_minute)
      SELECT portfolio_id, minute, minute + interval '1 minute' FROM rollup_dirty,
        generate_series(from_minute + interval '1 minute', to_minute - interval '1 minute', interval '1 minute') minute`);
    await runner.query('DROP INDEX rollup_dirty_portfolio');
    await runner.query('ALTER TABLE rollup_dirty DROP COLUMN to_minute');
    await runner.query('ALTER TABLE rollup_dirty RENAME COLUMN from_minute TO bucket');
    await createIndex(
      runner,
      'rollup_dirty_portfolio',
      'rollup_dirty (portfolio_id, bucket)',
      'whether a stored bucket is stale: minutes touched by late rows and not yet rolled up again',
    );
  }
}
