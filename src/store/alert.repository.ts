import { Injectable } from '@nestjs/common';
import type { Acknowledgement, Alert, HistoryEntry, Silence } from '../observability/alerting/alert.js';
import {
  type AlertQuery,
  AlertStore,
  type SampleQuery,
  type StoredSample,
} from '../observability/alerting/alert-store.js';
import type { EvidencePack } from '../observability/alerting/evidence.js';
import { Database } from './database.js';

interface AlertRow {
  readonly body: Alert;
  readonly ack: Acknowledgement | null;
}
interface HistoryRow {
  readonly alert_id: string;
  readonly at: Date;
  readonly kind: HistoryEntry['kind'];
  readonly by: string;
  readonly comment: string | null;
  readonly value: number | null;
}
interface SilenceRow {
  readonly id: string;
  readonly kind: Silence['kind'];
  readonly matchers: Silence['matchers'];
  readonly by: string;
  readonly comment: string;
  readonly starts_at: Date;
  readonly ends_at: Date;
  readonly created_at: Date;
  readonly ended_at: Date | null;
}
interface SampleRow {
  readonly threshold: string;
  readonly instance: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly at: Date;
  readonly value: number | null;
  readonly idle: boolean;
}

const date = (ms: number): Date => new Date(ms);
/** PostgreSQL's jsonb has no U+0000, and a label may hold one. */
const json = (value: unknown): string => JSON.stringify(value).replaceAll('\\u0000', '');

/**
 * Alerts in PostgreSQL. On the maintenance pool: alerts about an exhausted pool must not wait for that pool, and must
 * not take its connections.
 */
@Injectable()
export class AlertRepository extends AlertStore {
  constructor(private readonly database: Database) {
    super();
  }

  async save(alerts: readonly Alert[]): Promise<void> {
    await this.query(
      `INSERT INTO alerts (id, name, instance, severity, state, threshold, started_at, updated_at, ack, body)
       SELECT (a->>'id')::uuid, a->>'name', a->>'instance', a->>'severity', a->>'state', a->>'threshold',
              to_timestamp((a->>'startedAtMs')::float8 / 1000), to_timestamp((a->>'updatedAtMs')::float8 / 1000),
              nullif(a->'ack', 'null'), a
       FROM jsonb_array_elements($1::jsonb) AS a
       ON CONFLICT (id) DO UPDATE SET severity = excluded.severity, state = excluded.state,
         updated_at = excluded.updated_at, body = excluded.body, ack = coalesce(excluded.ack, alerts.ack)`,
      [json(alerts)],
    );
  }

  async get(id: string): Promise<Alert | null> {
    const rows = await this.query<AlertRow>('SELECT body, ack FROM alerts WHERE id = $1', [id]);
    return rows[0] ? alertOf(rows[0]) : null;
  }

  async list(query: AlertQuery): Promise<readonly Alert[]> {
    const { states, name, severity, fromMs, toMs, after, limit } = query;
    const rows = await this.query<AlertRow>(
      // alerts_newest
      `SELECT body, ack FROM alerts
       WHERE ($1::text[] IS NULL OR state = ANY($1)) AND ($2::text IS NULL OR name = $2)
         AND ($3::text IS NULL OR severity = $3)
         AND ($4::timestamptz IS NULL OR updated_at >= $4) AND ($5::timestamptz IS NULL OR started_at <= $5)
         AND ($6::timestamptz IS NULL OR (started_at, id) < ($6, $7::uuid))
       ORDER BY started_at DESC, id DESC LIMIT $8`,
      [
        states ?? null,
        name ?? null,
        severity ?? null,
        fromMs === undefined ? null : date(fromMs),
        toMs === undefined ? null : date(toMs),
        after ? date(after.startedAtMs) : null,
        after?.id ?? null,
        limit,
      ],
    );
    return rows.map(alertOf);
  }

  async unresolved(instance: string): Promise<readonly Alert[]> {
    // alerts_unresolved
    const rows = await this.query<AlertRow>(
      `SELECT body, ack FROM alerts WHERE instance = $1 AND state <> 'resolved' ORDER BY started_at LIMIT 2000`,
      [instance],
    );
    return rows.map(alertOf);
  }

  async acknowledge(id: string, ack: Acknowledgement): Promise<void> {
    await this.query('UPDATE alerts SET ack = $2 WHERE id = $1', [id, json(ack)]);
  }

  async addHistory(entries: readonly HistoryEntry[]): Promise<void> {
    await this.query(
      `INSERT INTO alert_history (alert_id, at, kind, by, comment, value)
       SELECT (e->>'alertId')::uuid, to_timestamp((e->>'atMs')::float8 / 1000), e->>'kind', e->>'by', e->>'comment',
              (e->>'value')::float8
       FROM jsonb_array_elements($1::jsonb) AS e
       WHERE EXISTS (SELECT FROM alerts WHERE id = (e->>'alertId')::uuid)`,
      [json(entries)],
    );
  }

  async history(alertId: string, limit: number): Promise<readonly HistoryEntry[]> {
    // alert_history_alert
    const rows = await this.query<HistoryRow>(
      'SELECT alert_id, at, kind, by, comment, value FROM alert_history WHERE alert_id = $1 ORDER BY at LIMIT $2',
      [alertId, limit],
    );
    return rows.map(({ alert_id, at, ...rest }) => ({ ...rest, alertId: alert_id, atMs: at.getTime() }));
  }

  async saveEvidence(pack: EvidencePack): Promise<void> {
    await this.query(
      `INSERT INTO alert_evidence (alert_id, captured_at, sections)
       SELECT $1, $2, $3 WHERE EXISTS (SELECT FROM alerts WHERE id = $1)
       ON CONFLICT (alert_id) DO NOTHING`,
      [pack.alertId, date(pack.capturedAtMs), json(pack.sections)],
    );
  }

  async evidence(alertId: string): Promise<EvidencePack | null> {
    const rows = await this.query<{ captured_at: Date; sections: EvidencePack['sections'] }>(
      'SELECT captured_at, sections FROM alert_evidence WHERE alert_id = $1',
      [alertId],
    );
    const row = rows[0];
    return row ? { alertId, capturedAtMs: row.captured_at.getTime(), sections: row.sections } : null;
  }

  async saveSilence(s: Silence): Promise<void> {
    await this.query(
      `INSERT INTO alert_silences (id, kind, matchers, by, comment, starts_at, ends_at, created_at, ended_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
       ON CONFLICT (id) DO UPDATE SET ended_at = excluded.ended_at`,
      [
        s.id,
        s.kind,
        json(s.matchers),
        s.by,
        s.comment,
        date(s.startsAtMs),
        date(s.endsAtMs),
        date(s.createdAtMs),
        s.endedAtMs === null ? null : date(s.endedAtMs),
      ],
    );
  }

  async silences(endedAfterMs: number): Promise<readonly Silence[]> {
    const rows = await this.query<SilenceRow>(
      `SELECT id, kind, matchers, by, comment, starts_at, ends_at, created_at, ended_at FROM alert_silences
       WHERE coalesce(ended_at, ends_at) > $1 ORDER BY created_at DESC LIMIT 1000`,
      [date(endedAfterMs)],
    );
    return rows.map((row) => ({
      id: row.id,
      kind: row.kind,
      matchers: row.matchers,
      by: row.by,
      comment: row.comment,
      startsAtMs: row.starts_at.getTime(),
      endsAtMs: row.ends_at.getTime(),
      createdAtMs: row.created_at.getTime(),
      endedAtMs: row.ended_at?.getTime() ?? null,
    }));
  }

  async addSamples(samples: readonly StoredSample[]): Promise<void> {
    await this.query(
      `INSERT INTO alert_samples (threshold, instance, labels, at, value, idle)
       SELECT s->>'threshold', s->>'instance', s->'labels', to_timestamp((s->>'atMs')::float8 / 1000),
              (s->>'value')::float8, (s->>'idle')::bool
       FROM jsonb_array_elements($1::jsonb) AS s`,
      [json(samples)],
    );
  }

  async samples(query: SampleQuery): Promise<readonly StoredSample[]> {
    // alert_samples_threshold_time
    const rows = await this.query<SampleRow>(
      `SELECT threshold, instance, labels, at, value, idle FROM alert_samples
       WHERE threshold = $1 AND at BETWEEN $2 AND $3
         AND ($4::text IS NULL OR instance = $4) AND labels @> $5::jsonb
       ORDER BY at LIMIT $6`,
      [
        query.threshold,
        date(query.fromMs),
        date(query.toMs),
        query.instance ?? null,
        json(query.labels ?? {}),
        query.limit,
      ],
    );
    return rows.map(({ at, ...rest }) => ({ ...rest, atMs: at.getTime() }));
  }

  async prune(samplesBeforeMs: number, alertsBeforeMs: number): Promise<void> {
    await this.query('DELETE FROM alert_samples WHERE at < $1', [date(samplesBeforeMs)]);
    await this.query(`DELETE FROM alerts WHERE state = 'resolved' AND updated_at < $1`, [
      date(alertsBeforeMs),
    ]);
    await this.query('DELETE FROM alert_silences WHERE coalesce(ended_at, ends_at) < $1', [
      date(alertsBeforeMs),
    ]);
  }

  private async query<Row extends object>(text: string, values: unknown[]): Promise<readonly Row[]> {
    const { rows } = await this.database.maintenance.query<Row & Record<string, unknown>>(text, values);
    return rows;
  }
}

const alertOf = ({ body, ack }: AlertRow): Alert => ({ ...body, ack });
