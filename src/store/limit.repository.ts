import { Injectable } from '@nestjs/common';
import type { ClientBase } from 'pg';
import type { LimitStatus } from '../domain/events.js';
import { type AuditEntry, AuditRepository } from './audit.repository.js';
import { Database } from './database.js';
import { literal } from './sql-literal.js';

/**
 * A limit as stored. Money and fractions are in the unit of the metric that `limitType` names; times are Unix ms.
 */
export interface StoredLimit {
  readonly id: string;
  readonly portfolioId: string;
  readonly limitType: string;
  readonly thresholdValue: number;
  readonly warningThreshold: number;
  readonly clearThreshold: number | null;
  readonly dwellMs: number;
  readonly active: boolean;
  readonly currentValue: number | null;
  readonly status: LimitStatus;
  readonly statusSinceMs: number | null;
  readonly acknowledgedAtMs: number | null;
  readonly acknowledgedBy: string | null;
  readonly acknowledgeComment: string | null;
  readonly temporaryThreshold: number | null;
  readonly temporaryUntilMs: number | null;
  /** State of the state machine, so that dwell and hysteresis outlive a restart; `null` before the first sample. */
  readonly machine: unknown;
  readonly version: number;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

/** What a client may set. */
export interface LimitSettings {
  readonly limitType: string;
  readonly thresholdValue: number;
  readonly warningThreshold: number;
  readonly clearThreshold: number | null;
  readonly dwellMs: number;
  readonly active: boolean;
}

/** Columns that a change of state or an operator's action writes; what is left out stays. */
export interface LimitChange extends Partial<Omit<LimitSettings, 'limitType'>> {
  readonly acknowledgedAtMs?: number | null;
  readonly acknowledgedBy?: string | null;
  readonly acknowledgeComment?: string | null;
  readonly temporaryThreshold?: number | null;
  readonly temporaryUntilMs?: number | null;
}

/** What evaluation has found; written often, without an audit entry. */
export interface LimitReading {
  readonly id: string;
  readonly currentValue: number | null;
  readonly status: LimitStatus;
  readonly statusSinceMs: number | null;
  readonly machine: unknown;
}

type Audit = Pick<AuditEntry, 'actor' | 'action' | 'comment'>;

const columns = `id, portfolio_id, limit_type, threshold_value, warning_threshold, clear_threshold, dwell_ms, active,
  current_value, status, extract(epoch FROM status_since) * 1000 AS status_since_ms,
  extract(epoch FROM acknowledged_at) * 1000 AS acknowledged_at_ms, acknowledged_by, acknowledge_comment,
  temporary_threshold, extract(epoch FROM temporary_until) * 1000 AS temporary_until_ms,
  options -> 'machine' AS machine, version, extract(epoch FROM created_at) * 1000 AS created_at_ms,
  extract(epoch FROM updated_at) * 1000 AS updated_at_ms`;

const time = (ms: number | null | undefined): Date | null =>
  ms === null || ms === undefined ? null : new Date(ms);

/** Risk limits. Deletes are soft; every change of a setting is in the audit, in the same transaction. */
@Injectable()
export class LimitRepository {
  constructor(
    private readonly database: Database,
    private readonly audit: AuditRepository,
  ) {}

  /** Every limit that is not deleted; for the start of the evaluation. */
  async all(): Promise<StoredLimit[]> {
    const { rows } = await this.database.reader.query<LimitRow>(
      `SELECT ${columns} FROM risk_limits WHERE deleted_at IS NULL ORDER BY portfolio_id, created_at`,
    );
    return rows.map(toLimit);
  }

  /** Inserts a limit and its audit entry. */
  create(portfolioId: string, settings: LimitSettings, audit: Audit): Promise<StoredLimit> {
    return this.database.writer.transaction(async (client) => {
      const { rows } = await client.query<LimitRow>(
        `INSERT INTO risk_limits (portfolio_id, limit_type, threshold_value, warning_threshold, clear_threshold, dwell_ms, active)
         VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING ${columns}`,
        [
          portfolioId,
          settings.limitType,
          settings.thresholdValue,
          settings.warningThreshold,
          settings.clearThreshold,
          settings.dwellMs,
          settings.active,
        ],
      );
      const limit = toLimit(rows[0]!);
      await this.record(client, limit, null, settingsOf(limit), audit);
      return limit;
    });
  }

  /**
   * @param still what must hold of the limit as it is stored now, for changes that nobody decided on
   * @returns the limit after the change, or `null` when it does not exist, is deleted, or is not as it should be
   */
  update(
    id: string,
    change: LimitChange,
    audit: Audit,
    still: (before: StoredLimit) => boolean = () => true,
  ): Promise<StoredLimit | null> {
    return this.database.writer.transaction(async (client) => {
      const found = await client.query<LimitRow>(
        `SELECT ${columns} FROM risk_limits WHERE id = $1 AND deleted_at IS NULL FOR UPDATE`,
        [id],
      );
      if (!found.rows[0]) return null;
      const before = toLimit(found.rows[0]);
      if (!still(before)) return null;
      const after = { ...before, ...change };
      const { rows } = await client.query<LimitRow>(
        `UPDATE risk_limits SET threshold_value = $2, warning_threshold = $3, clear_threshold = $4, dwell_ms = $5, active = $6,
           acknowledged_at = $7, acknowledged_by = $8, acknowledge_comment = $9, temporary_threshold = $10,
           temporary_until = $11, version = version + 1, updated_at = now()
         WHERE id = $1 RETURNING ${columns}`,
        [
          id,
          after.thresholdValue,
          after.warningThreshold,
          after.clearThreshold,
          after.dwellMs,
          after.active,
          time(after.acknowledgedAtMs),
          after.acknowledgedBy,
          after.acknowledgeComment,
          after.temporaryThreshold,
          time(after.temporaryUntilMs),
        ],
      );
      const limit = toLimit(rows[0]!);
      await this.record(client, limit, settingsOf(before), settingsOf(limit), audit);
      return limit;
    });
  }

  /** Marks a limit deleted. @returns whether there was one */
  softDelete(id: string, audit: Audit): Promise<boolean> {
    return this.database.writer.transaction(async (client) => {
      const { rows } = await client.query<LimitRow>(
        `UPDATE risk_limits SET deleted_at = now(), active = false, version = version + 1, updated_at = now()
         WHERE id = $1 AND deleted_at IS NULL RETURNING ${columns}`,
        [id],
      );
      if (!rows[0]) return false;
      const limit = toLimit(rows[0]);
      await this.record(client, limit, settingsOf(limit), null, audit);
      return true;
    });
  }

  /** Writes what evaluation has found; limits deleted meanwhile are left alone. */
  async saveReadings(readings: readonly LimitReading[]): Promise<void> {
    if (readings.length > 0) await this.database.writer.query(this.readingsStatement(readings));
  }

  /** The statement behind {@link saveReadings}, literals only: it can commit together with the events it belongs to. */
  readingsStatement(readings: readonly LimitReading[]): string {
    const rows = readings.map((r) => ({
      id: r.id,
      value: r.currentValue,
      status: r.status,
      since: time(r.statusSinceMs),
      machine: r.machine,
    }));
    return `UPDATE risk_limits l SET current_value = u.value, status = u.status, status_since = u.since,
        options = coalesce(l.options, '{}') || jsonb_build_object('machine', u.machine)
      FROM jsonb_to_recordset(${literal(JSON.stringify(rows))}::jsonb)
        AS u(id uuid, value float8, status text, since timestamptz, machine jsonb)
      WHERE l.id = u.id`;
  }

  private record(
    client: Pick<ClientBase, 'query'>,
    limit: StoredLimit,
    before: unknown,
    after: unknown,
    audit: Audit,
  ): Promise<void> {
    return this.audit.append(client, {
      ...audit,
      entity: 'risk_limit',
      entityId: limit.id,
      portfolioId: limit.portfolioId,
      before,
      after,
    });
  }
}

/** The part of a limit that people decide on: what the audit compares. */
const settingsOf = (l: StoredLimit) => ({
  limit_type: l.limitType,
  threshold_value: l.thresholdValue,
  warning_threshold: l.warningThreshold,
  clear_threshold: l.clearThreshold,
  dwell_ms: l.dwellMs,
  active: l.active,
  acknowledged_at: time(l.acknowledgedAtMs)?.toISOString() ?? null,
  acknowledged_by: l.acknowledgedBy,
  acknowledge_comment: l.acknowledgeComment,
  temporary_threshold: l.temporaryThreshold,
  temporary_until: time(l.temporaryUntilMs)?.toISOString() ?? null,
});

interface LimitRow {
  id: string;
  portfolio_id: string;
  limit_type: string;
  threshold_value: number;
  warning_threshold: number;
  clear_threshold: number | null;
  dwell_ms: number;
  active: boolean;
  current_value: number | null;
  status: LimitStatus;
  status_since_ms: string | null;
  acknowledged_at_ms: string | null;
  acknowledged_by: string | null;
  acknowledge_comment: string | null;
  temporary_threshold: number | null;
  temporary_until_ms: string | null;
  machine: unknown;
  version: number;
  created_at_ms: string;
  updated_at_ms: string;
}

const milliseconds = (x: string | null): number | null => (x === null ? null : Number(x));

function toLimit(r: LimitRow): StoredLimit {
  return {
    id: r.id,
    portfolioId: r.portfolio_id,
    limitType: r.limit_type,
    thresholdValue: r.threshold_value,
    warningThreshold: r.warning_threshold,
    clearThreshold: r.clear_threshold,
    dwellMs: r.dwell_ms,
    active: r.active,
    currentValue: r.current_value,
    status: r.status,
    statusSinceMs: milliseconds(r.status_since_ms),
    acknowledgedAtMs: milliseconds(r.acknowledged_at_ms),
    acknowledgedBy: r.acknowledged_by,
    acknowledgeComment: r.acknowledge_comment,
    temporaryThreshold: r.temporary_threshold,
    temporaryUntilMs: milliseconds(r.temporary_until_ms),
    machine: r.machine,
    version: r.version,
    createdAtMs: Number(r.created_at_ms),
    updatedAtMs: Number(r.updated_at_ms),
  };
}
