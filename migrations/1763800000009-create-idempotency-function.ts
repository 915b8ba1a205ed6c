import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Records a durable part of a request in the transaction of its rows, or ends that transaction with SQLSTATE TW409. */
export class CreateIdempotencyFunction1763800000009 implements MigrationInterface {
  name = 'CreateIdempotencyFunction1763800000009';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`CREATE FUNCTION record_idempotency_part(
        in_scope text, in_key text, in_owner uuid, in_first bigint, in_rows integer, in_digest bytea)
      RETURNS void LANGUAGE plpgsql AS $$
      BEGIN
        -- The lock makes a repetition that takes the key over wait until this part is committed or gone.
        PERFORM FROM idempotency_keys
          WHERE scope = in_scope AND key = in_key AND owner = in_owner AND finished_at IS NULL FOR SHARE;
        IF NOT FOUND THEN
          RAISE EXCEPTION 'the request has been taken over by its repetition' USING ERRCODE = 'TW409';
        END IF;
        INSERT INTO idempotency_parts (scope, key, first_index, row_count, digest)
          VALUES (in_scope, in_key, in_first, in_rows, in_digest);
      END $$`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP FUNCTION record_idempotency_part');
  }
}
