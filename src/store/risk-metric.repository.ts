import { Injectable } from '@nestjs/common';
import { Database } from './database.js';

/** The newest stored value of one metric of one portfolio. */
export interface NewestValue {
  /** `risk`: computed by the risk stage; `analytics`: computed by analytics, or sent by a client. */
  readonly kind: 'risk' | 'analytics';
  readonly metricType: string;
  readonly value: number;
  readonly tsMs: number;
}

/** Newest values of metrics, computed and sent. */
@Injectable()
export class RiskMetricRepository {
  constructor(private readonly database: Database) {}

  /** The newest value of the named metrics, whichever kind is newer; pairs without one are left out. */
  async latestOf(
    pairs: readonly { readonly portfolioId: string; readonly metricType: string }[],
  ): Promise<(NewestValue & { readonly portfolioId: string })[]> {
    if (pairs.length === 0) return [];
    const { rows } = await this.database.reader.query<LatestRow>({
      name: 'latest_metrics_pairs',
      text: `SELECT DISTINCT ON (l.portfolio_id, l.metric_type) l.kind, l.portfolio_id, l.metric_type, l.value,
          extract(epoch FROM l."timestamp") * 1000 AS ts_ms
        FROM unnest($1::text[], $2::text[]) AS u(portfolio_id, metric_type)
        JOIN latest_metrics l USING (portfolio_id, metric_type)
        ORDER BY l.portfolio_id, l.metric_type, l."timestamp" DESC`,
      values: [pairs.map((p) => p.portfolioId), pairs.map((p) => p.metricType)],
    });
    return rows.map((r) => ({ ...toMetric(r), portfolioId: r.portfolio_id }));
  }
}

interface LatestRow {
  kind: 'risk' | 'analytics';
  portfolio_id: string;
  metric_type: string;
  value: number;
  ts_ms: string;
}

const toMetric = (r: LatestRow): NewestValue => ({
  kind: r.kind,
  metricType: r.metric_type,
  value: r.value,
  tsMs: Number(r.ts_ms),
});
