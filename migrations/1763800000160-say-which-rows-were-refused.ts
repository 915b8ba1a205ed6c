import type { MigrationInterface, QueryRunner } from 'typeorm';

/** A batch whose answer was lost at its commit can be asked which of its rows it has not stored. */
export class SayWhichRowsWereRefused1763800000160 implements MigrationInterface {
  name = 'SayWhichRowsWereRefused1763800000160';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE write_batches ADD COLUMN refused json');
    await runner.query(
      "COMMENT ON COLUMN write_batches.refused IS 'Rows of the batch that went to dead_letters instead: [{position, sqlstate, message}]; NULL when there are none'",
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE write_batches DROP COLUMN refused');
  }
}
