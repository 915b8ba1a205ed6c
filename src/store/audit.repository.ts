import { Injectable } from '@nestjs/common';
import type { ClientBase } from 'pg';
import { Database } from './database.js';

/** One change of one entity: who, what, before and after. */
export interface AuditEntry {
  readonly actor: string;
  /** `created`, `changed`, `deleted`, `acknowledged`, … */
  readonly action: string;
  readonly entity: string;
  readonly entityId: string;
  readonly portfolioId: string | null;
  readonly before: unknown;
  readonly after: unknown;
  readonly comment: string | null;
}

export interface StoredAuditEntry extends AuditEntry {
  readonly id: string;
  readonly atMs: number;
}

/** The audit: appended to in the transaction of the change, never changed. */
@Injectable()
export class AuditRepository {
  constructor(private readonly database: Database) {}

  /** Adds an entry to the transaction that `client` is in. */
  async append(client: Pick<ClientBase, 'query'>, entry: AuditEntry): Promise<void> {
    await client.query({
      name: 'audit_append',
      text: `INSERT INTO audit (actor, action, entity, entity_id, portfolio_id, before, after, comment)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
      values: [
        entry.actor,
        entry.action,
        entry.entity,
        entry.entityId,
        entry.portfolioId,
        entry.before === null ? null : JSON.stringify(entry.before),
        entry.after === null ? null : JSON.stringify(entry.after),
        entry.comment,
      ],
    });
  }

  /** The changes of one entity, newest first; index audit_entity. */
  async of(entity: string, entityId: string, limit = 100): Promise<StoredAuditEntry[]> {
    const { rows } = await this.database.reader.query<AuditRow>({
      name: 'audit_of',
      text: `SELECT id, extract(epoch FROM at) * 1000 AS at_ms, actor, action, entity, entity_id, portfolio_id, before, after, comment
        FROM audit WHERE entity = $1 AND entity_id = $2 ORDER BY id DESC LIMIT $3`,
      values: [entity, entityId, limit],
    });
    return rows.map((r) => ({
      id: r.id,
      atMs: Number(r.at_ms),
      actor: r.actor,
      action: r.action,
      entity: r.entity,
      entityId: r.entity_id,
      portfolioId: r.portfolio_id,
      before: r.before,
      after: r.after,
      comment: r.comment,
    }));
  }
}

interface AuditRow {
  id: string;
  at_ms: string;
  actor: string;
  action: string;
  entity: string;
  entity_id: string;
  portfolio_id: string | null;
  before: unknown;
  after: unknown;
  comment: string | null;
}
