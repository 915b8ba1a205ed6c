import type { MigrationInterface, QueryRunner } from 'typeorm';
import { createIndex, createTimeTable } from './time-table.js';

const columns = `portfolio_id text NOT NULL,
  metric_type text NOT NULL,
  value double precision NOT NULL,
  "timestamp" timestamptz NOT NULL,
  metadata jsonb`;

/** Metrics of portfolios, computed or sent, and the newest value of each. */
export class CreateMetrics1763800000004 implements MigrationInterface {
  name = 'CreateMetrics1763800000004';

  async up(runner: QueryRunner): Promise<void> {
    for (const name of ['analytics_metrics', 'risk_metrics']) {
      await createTimeTable(runner, { name, columns, timeColumn: 'timestamp', chunk: '1 day' });
      // The metadata stays out: an index row holds 2,704 bytes at most, and an insert beyond that fails.
      await createIndex(
        runner,
        `${name}_portfolio_time`,
        `${name} (portfolio_id, "timestamp" DESC, metric_type) INCLUDE (value)`,
        'the values of one portfolio in a span of time, from the index alone; the newest value of a metric',
      );
    }
    await runner.query(`CREATE TABLE latest_metrics (
      kind text NOT NULL CHECK (kind IN ('analytics', 'risk')),
      portfolio_id text NOT NULL,
      metric_type text NOT NULL,
      "timestamp" timestamptz NOT NULL,
      value double precision NOT NULL,
      PRIMARY KEY (portfolio_id, kind, metric_type)) WITH (fillfactor = 50)`);
    await runner.query(
      "COMMENT ON TABLE latest_metrics IS 'Every series ever stored (written with its first value); its values may trail the newest one by a second'",
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE latest_metrics');
    await runner.query('DROP TABLE risk_metrics CASCADE');
    await runner.query('DROP TABLE analytics_metrics CASCADE');
  }
}
