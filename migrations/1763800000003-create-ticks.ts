import type { MigrationInterface, QueryRunner } from 'typeorm';
import { createIndex, createTimeTable } from './time-table.js';

/** Ticks as they were accepted, and the newest one of each symbol. */
export class CreateTicks1763800000003 implements MigrationInterface {
  name = 'CreateTicks1763800000003';

  async up(runner: QueryRunner): Promise<void> {
    await createTimeTable(runner, {
      name: 'ticks',
      columns: `seq bigint NOT NULL,
        symbol text NOT NULL,
        ts timestamptz NOT NULL,
        price double precision NOT NULL,
        size double precision,
        source_id text`,
      timeColumn: 'ts',
      chunk: '7 days',
    });
    await createIndex(
      runner,
      'ticks_symbol_ts',
      'ticks (symbol, ts)',
      'the ticks of one symbol in a span of time; the newest tick of a symbol',
    );
    await createIndex(
      runner,
      'ticks_seq_brin',
      'ticks USING brin (seq) WITH (pages_per_range = 32, autosummarize = on)',
      'replay: ticks in a span of the total order (rows arrive in it, so the block ranges stay sharp)',
    );
    await createIndex(
      runner,
      'ticks_source_id',
      'UNIQUE ticks (symbol, ts, source_id, price, size) NULLS NOT DISTINCT WHERE source_id IS NOT NULL',
      'recognises a tick that was sent twice; ticks without a source id are not in it and do not pay for it',
    );
    await runner.query(`CREATE TABLE latest_ticks (
      symbol text PRIMARY KEY,
      seq bigint NOT NULL,
      ts timestamptz NOT NULL,
      price double precision NOT NULL) WITH (fillfactor = 50)`);
    await runner.query(
      "COMMENT ON TABLE latest_ticks IS 'Every symbol ever stored (written with its first tick); its values may trail the newest tick by a second'",
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE latest_ticks');
    await runner.query('DROP TABLE ticks CASCADE');
  }
}
