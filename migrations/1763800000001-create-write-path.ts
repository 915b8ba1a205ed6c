import type { MigrationInterface, QueryRunner } from 'typeorm';
import { createIndex } from './time-table.js';

/** What makes writes exact: the one sequence, markers of committed batches, idempotency keys, dead letters, the audit. */
export class CreateWritePath1763800000001 implements MigrationInterface {
  name = 'CreateWritePath1763800000001';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`CREATE TABLE seq_source (
      one_row boolean PRIMARY KEY DEFAULT true CHECK (one_row),
      next_seq bigint NOT NULL CHECK (next_seq > 0))`);
    await runner.query(
      "COMMENT ON TABLE seq_source IS 'First number of the total order that no process has reserved'",
    );
    await runner.query('INSERT INTO seq_source (next_seq) VALUES (1)');

    await runner.query(`CREATE TABLE write_batches (
      id uuid CONSTRAINT write_batches_pkey PRIMARY KEY,
      at timestamptz NOT NULL DEFAULT now())`);
    await runner.query(
      "COMMENT ON TABLE write_batches IS 'Markers of recent commits: a repeated batch finds its own and stores nothing twice'",
    );

    await runner.query(`CREATE TABLE idempotency_keys (
      scope text NOT NULL,
      key text NOT NULL,
      owner uuid NOT NULL,
      body_digest bytea,
      status smallint,
      answer jsonb,
      created_at timestamptz NOT NULL DEFAULT now(),
      heartbeat_at timestamptz NOT NULL DEFAULT now(),
      finished_at timestamptz,
      PRIMARY KEY (scope, key))`);
    await createIndex(
      runner,
      'idempotency_keys_created',
      'idempotency_keys (created_at)',
      'expiry: keys older than their life',
    );
    await runner.query(`CREATE TABLE idempotency_parts (
      scope text NOT NULL,
      key text NOT NULL,
      first_index bigint NOT NULL,
      row_count integer NOT NULL,
      digest bytea NOT NULL,
      PRIMARY KEY (scope, key, first_index),
      FOREIGN KEY (scope, key) REFERENCES idempotency_keys ON DELETE CASCADE)`);
    await runner.query(
      "COMMENT ON TABLE idempotency_parts IS 'Which rows of an unfinished request are durable, written in the transaction of the rows'",
    );

    await runner.query(`CREATE TABLE dead_letters (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      at timestamptz NOT NULL DEFAULT now(),
      writer text NOT NULL,
      sqlstate text NOT NULL,
      message text NOT NULL,
      row text NOT NULL)`);
    await runner.query(
      "COMMENT ON COLUMN dead_letters.row IS 'JSON text, not jsonb: the row may hold what jsonb refuses'",
    );

    await runner.query(`CREATE TABLE audit (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      at timestamptz NOT NULL DEFAULT now(),
      actor text NOT NULL,
      action text NOT NULL,
      entity text NOT NULL,
      entity_id text NOT NULL,
      portfolio_id text,
      before jsonb,
      after jsonb,
      comment text)`);
    await createIndex(
      runner,
      'audit_entity',
      'audit (entity, entity_id, id DESC)',
      'the changes of one entity, newest first',
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(
      'DROP TABLE audit, dead_letters, idempotency_parts, idempotency_keys, write_batches, seq_source',
    );
  }
}
