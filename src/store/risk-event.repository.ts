import { Injectable } from '@nestjs/common';
import type { LimitTransition } from '../domain/events.js';
import { decodeCursor, encodeCursor } from './cursor.js';
import { Database } from './database.js';

/** The transitions of limits; written by `RiskEventWriter`. */
@Injectable()
export class RiskEventRepository {
  constructor(private readonly database: Database) {}

  /**
   * The transitions of one portfolio, newest first; index risk_events_portfolio_time. @throws Problem 400
   * `INVALID_CURSOR`
   */
  async page(
    portfolioId: string,
    { cursor, limit }: { readonly cursor?: string; readonly limit: number },
  ): Promise<{ events: LimitTransition[]; nextCursor: string | null }> {
    const list = ['risk_events', portfolioId];
    const [atMs, limitId] = cursor === undefined ? [maxMs, ''] : decodeCursor(list, cursor, ['ms', 'text']);
    const { rows } = await this.database.reader.query<EventRow>({
      name: 'risk_events_page',
      text: `SELECT limit_id, limit_type, from_status, to_status, value, threshold_value, warning_threshold,
          extract(epoch FROM "timestamp") * 1000 AS at_ms
        FROM risk_events
        WHERE portfolio_id = $1 AND "timestamp" <= to_timestamp($2 / 1000.0)
          AND ("timestamp" < to_timestamp($2 / 1000.0) OR limit_id::text > $3)
        ORDER BY "timestamp" DESC, limit_id LIMIT $4`,
      values: [portfolioId, atMs, limitId, limit + 1],
    });
    const events = rows.slice(0, limit).map((r) => ({
      portfolioId,
      limitId: r.limit_id,
      limitType: r.limit_type,
      from: r.from_status,
      to: r.to_status,
      value: r.value,
      thresholdValue: r.threshold_value,
      warningThreshold: r.warning_threshold,
      atMs: Number(r.at_ms),
    }));
    const last = events.at(-1);
    return {
      events,
      nextCursor: rows.length > limit && last ? encodeCursor(list, [last.atMs, last.limitId]) : null,
    };
  }
}

/** Year 9999. */
const maxMs = 253_402_300_799_000;

interface EventRow {
  limit_id: string;
  limit_type: string;
  from_status: LimitTransition['from'];
  to_status: LimitTransition['to'];
  value: number | null;
  threshold_value: number;
  warning_threshold: number;
  at_ms: string;
}
