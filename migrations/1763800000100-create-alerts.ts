import type { MigrationInterface, QueryRunner } from 'typeorm';
import { createIndex } from './time-table.js';

/** Alerts with their history and evidence, silences, and the samples that backtests replay. */
export class CreateAlerts1763800000100 implements MigrationInterface {
  name = 'CreateAlerts1763800000100';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`CREATE TABLE alerts (
      id uuid PRIMARY KEY,
      name text NOT NULL,
      instance text NOT NULL,
      severity text NOT NULL CHECK (severity IN ('warning', 'critical')),
      state text NOT NULL CHECK (state IN ('pending', 'firing', 'resolved')),
      threshold text NOT NULL,
      started_at timestamptz NOT NULL,
      updated_at timestamptz NOT NULL,
      ack jsonb,
      body jsonb NOT NULL)`);
    await createIndex(runner, 'alerts_newest', 'alerts (started_at DESC, id DESC)', 'alerts, newest first');
    await createIndex(
      runner,
      'alerts_unresolved',
      `alerts (instance) WHERE state <> 'resolved'`,
      'what a process takes up again after a restart',
    );
    await runner.query(`CREATE TABLE alert_history (
      alert_id uuid NOT NULL REFERENCES alerts ON DELETE CASCADE,
      at timestamptz NOT NULL,
      kind text NOT NULL,
      by text NOT NULL,
      comment text,
      value double precision)`);
    await createIndex(
      runner,
      'alert_history_alert',
      'alert_history (alert_id, at)',
      'what happened to one alert',
    );
    await runner.query(`CREATE TABLE alert_evidence (
      alert_id uuid PRIMARY KEY REFERENCES alerts ON DELETE CASCADE,
      captured_at timestamptz NOT NULL,
      sections jsonb NOT NULL)`);
    await runner.query(`CREATE TABLE alert_silences (
      id uuid PRIMARY KEY,
      kind text NOT NULL CHECK (kind IN ('silence', 'maintenance')),
      matchers jsonb NOT NULL,
      by text NOT NULL,
      comment text NOT NULL,
      starts_at timestamptz NOT NULL,
      ends_at timestamptz NOT NULL CHECK (ends_at > starts_at),
      created_at timestamptz NOT NULL,
      ended_at timestamptz)`);
    await runner.query(`CREATE TABLE alert_samples (
      threshold text NOT NULL,
      instance text NOT NULL,
      labels jsonb NOT NULL,
      at timestamptz NOT NULL,
      value double precision,
      idle boolean NOT NULL)`);
    await createIndex(
      runner,
      'alert_samples_threshold_time',
      'alert_samples (threshold, at)',
      'the samples of one threshold that a backtest replays',
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of ['alert_samples', 'alert_silences', 'alert_evidence', 'alert_history', 'alerts']) {
      await runner.query(`DROP TABLE ${table}`);
    }
  }
}
