import type { MigrationInterface, QueryRunner } from 'typeorm';

/** A repeated request need not wait for the lease of a process that is gone. */
export class NameTheProcessOfARequest1763800000170 implements MigrationInterface {
  name = 'NameTheProcessOfARequest1763800000170';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE idempotency_keys ADD COLUMN holder integer');
    await runner.query(
      "COMMENT ON COLUMN idempotency_keys.holder IS 'The process that runs the request: it lives as long as it holds the advisory lock of this number'",
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE idempotency_keys DROP COLUMN holder');
  }
}
