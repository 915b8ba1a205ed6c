import { Injectable } from '@nestjs/common';
import type { LimitStatus } from '../domain/events.js';
import { Database } from './database.js';
import { QueryMeter } from './query-meter.js';

/** The newest value of one metric with the limit on it. */
export interface LatestMetric {
  readonly metricType: string;
  /** Who computed it: the risk stage, or analytics and clients; `null` without a value. */
  readonly kind: 'risk' | 'analytics' | null;
  /** `null` when a limit waits for its first value. */
  readonly value: number | null;
  readonly tsMs: number | null;
  readonly limit: {
    readonly id: string;
    readonly thresholdValue: number;
    readonly warningThreshold: number;
    readonly clearThreshold: number | null;
    readonly status: LimitStatus;
  } | null;
  /** |value| over threshold; `null` without either. */
  readonly utilization: number | null;
}

/** A limit with a value, as it was last evaluated. */
export interface WorstLimit {
  readonly limitId: string;
  readonly portfolioId: string;
  readonly limitType: string;
  readonly currentValue: number;
  readonly thresholdValue: number;
  readonly utilization: number;
  readonly status: LimitStatus;
}

/** Metrics of one portfolio in one answer. */
const maxLatest = 1_000;

/** Reads the newest values of metrics, with the limits on them. */
@Injectable()
export class MetricRepository {
  constructor(
    private readonly database: Database,
    private readonly meter: QueryMeter,
  ) {}

  /**
   * The newest value of every metric of a portfolio, whoever computed it, joined with the limits in force, worst first;
   * limits without a value and metrics without a limit included; at most {@link maxLatest}.
   */
  latestWithLimits(portfolioId: string): Promise<LatestMetric[]> {
    return this.meter.time('latest', () => this.readLatest(portfolioId));
  }

  /** The limits in force that are closest to their threshold (or furthest beyond it), over all portfolios. */
  async worstLimits(limit = 20): Promise<WorstLimit[]> {
    const { rows } = await this.database.reader.query<{
      id: string;
      portfolio_id: string;
      limit_type: string;
      current_value: number;
      threshold_value: number;
      status: LimitStatus;
    }>({
      name: 'worst_limits',
      // Index risk_limits_utilization, read from its beginning.
      text: `SELECT id, portfolio_id, limit_type, current_value, threshold_value, status FROM risk_limits
        WHERE active AND deleted_at IS NULL AND current_value / threshold_value IS NOT NULL
        ORDER BY current_value / threshold_value DESC NULLS LAST LIMIT $1`,
      values: [limit],
    });
    return rows.map((r) => ({
      limitId: r.id,
      portfolioId: r.portfolio_id,
      limitType: r.limit_type,
      currentValue: r.current_value,
      thresholdValue: r.threshold_value,
      utilization: r.current_value / r.threshold_value,
      status: r.status,
    }));
  }

  private async readLatest(portfolioId: string): Promise<LatestMetric[]> {
    const { rows } = await this.database.reader.query<{
      metric_type: string;
      kind: 'risk' | 'analytics' | null;
      value: number | null;
      ts_ms: number | null;
      limit_id: string | null;
      threshold_value: number;
      warning_threshold: number;
      clear_threshold: number | null;
      status: LimitStatus;
      utilization: number | null;
    }>({
      name: 'latest_with_limits',
      // latest_metrics (primary key) names the metrics and bounds the look into risk_metrics (risk_metrics_portfolio_time),
      // which it may be a second behind; the limits come from risk_limits_active_portfolio.
      text: `SELECT coalesce(m.metric_type, l.limit_type) AS metric_type, m.kind, m.value,
          (extract(epoch FROM m.ts) * 1000)::float8 AS ts_ms, l.id AS limit_id,
          l.threshold_value, l.warning_threshold, l.clear_threshold, l.status,
          abs(m.value) / l.threshold_value AS utilization
        FROM (
          SELECT DISTINCT ON (k.metric_type) k.metric_type, k.kind, coalesce(v.value, k.value) AS value,
            coalesce(v.ts, k."timestamp") AS ts
          FROM latest_metrics k LEFT JOIN LATERAL (
            SELECT r.value, r."timestamp" AS ts FROM risk_metrics r
            WHERE k.kind = 'risk' AND r.portfolio_id = k.portfolio_id AND r.metric_type = k.metric_type
              AND r."timestamp" >= k."timestamp"
            ORDER BY r."timestamp" DESC LIMIT 1) v ON true
          WHERE k.portfolio_id = $1 ORDER BY k.metric_type, coalesce(v.ts, k."timestamp") DESC) m
        FULL JOIN (
          SELECT * FROM risk_limits WHERE portfolio_id = $1 AND active AND deleted_at IS NULL) l
          ON l.limit_type = m.metric_type
        ORDER BY utilization DESC NULLS LAST, metric_type, limit_id LIMIT $2`,
      values: [portfolioId, maxLatest],
    });
    return rows.map((r) => ({
      metricType: r.metric_type,
      kind: r.kind,
      value: r.value,
      tsMs: r.ts_ms,
      limit:
        r.limit_id === null
          ? null
          : {
              id: r.limit_id,
              thresholdValue: r.threshold_value,
              warningThreshold: r.warning_threshold,
              clearThreshold: r.clear_threshold,
              status: r.status,
            },
      utilization: r.utilization,
    }));
  }
}
