import type { MigrationInterface, QueryRunner } from 'typeorm';

/** A repeated request gets its first answer again, byte for byte: `jsonb` sorts the members of an object, `json` keeps them. */
export class KeepAnswersAsSent1763800000120 implements MigrationInterface {
  name = 'KeepAnswersAsSent1763800000120';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE idempotency_keys ALTER COLUMN answer TYPE json');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE idempotency_keys ALTER COLUMN answer TYPE jsonb');
  }
}
