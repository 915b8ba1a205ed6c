import type { MigrationInterface, QueryRunner } from 'typeorm';
import { createIndex, createTimeTable } from './time-table.js';

/** Limits (deleted softly) and every transition of their state. */
export class CreateRiskLimits1763800000005 implements MigrationInterface {
  name = 'CreateRiskLimits1763800000005';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`CREATE TABLE risk_limits (
      id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
      portfolio_id text NOT NULL,
      limit_type text NOT NULL,
      threshold_value double precision NOT NULL CHECK (threshold_value > 0),
      warning_threshold double precision NOT NULL,
      clear_threshold double precision,
      dwell_ms integer NOT NULL DEFAULT 0 CHECK (dwell_ms >= 0),
      current_value double precision,
      status text NOT NULL DEFAULT 'unknown' CHECK (status IN ('normal', 'warning', 'breach', 'unknown')),
      status_since timestamptz,
      acknowledged_at timestamptz,
      acknowledged_by text,
      acknowledge_comment text,
      temporary_threshold double precision CHECK (temporary_threshold > 0),
      temporary_until timestamptz,
      options jsonb,
      active boolean NOT NULL DEFAULT true,
      version integer NOT NULL DEFAULT 1,
      created_at timestamptz NOT NULL DEFAULT now(),
      updated_at timestamptz NOT NULL DEFAULT now(),
      deleted_at timestamptz)`);
    await createIndex(
      runner,
      'risk_limits_active_portfolio',
      'risk_limits (portfolio_id, limit_type) WHERE active AND deleted_at IS NULL',
      'the limits in force of one portfolio',
    );
    await createIndex(
      runner,
      'risk_limits_utilization',
      'risk_limits ((current_value / threshold_value) DESC NULLS LAST) WHERE active AND deleted_at IS NULL',
      'the limits closest to their threshold over all portfolios, worst first',
    );
    await createTimeTable(runner, {
      name: 'risk_events',
      columns: `portfolio_id text NOT NULL,
        limit_id uuid NOT NULL,
        limit_type text NOT NULL,
        from_status text NOT NULL,
        to_status text NOT NULL,
        value double precision,
        threshold_value double precision NOT NULL,
        warning_threshold double precision NOT NULL,
        "timestamp" timestamptz NOT NULL,
        metadata jsonb`,
      timeColumn: 'timestamp',
      chunk: '30 days',
    });
    await createIndex(
      runner,
      'risk_events_portfolio_time',
      'risk_events (portfolio_id, "timestamp" DESC)',
      'the transitions of one portfolio, newest first',
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE risk_events CASCADE');
    await runner.query('DROP TABLE risk_limits');
  }
}
