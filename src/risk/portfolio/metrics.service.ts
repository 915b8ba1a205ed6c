import { Injectable } from '@nestjs/common';
import { PortfolioBook } from '../../analytics/portfolio-book.js';
import { notFound } from '../../domain/problem.js';
import { RiskMetricRepository } from '../../store/risk-metric.repository.js';
import type { WatchedLimit } from '../limits/limit-book.js';
import { LimitEvaluationService } from '../limits/limit-evaluation.service.js';
import { effectiveThresholds, utilisation } from '../limits/limit-level.js';
import { LiveRiskService } from '../live/live-risk.service.js';
import { metricsOf } from '../live/risk-figures.js';

/** Metrics of one portfolio in one answer. */
const maxMetrics = 1_000;

interface Value {
  readonly value: number;
  readonly atMs: number;
  readonly source: 'live' | 'risk' | 'analytics';
}

const severity = { breach: 0, warning: 1, unknown: 2, normal: 3 } as const;

/** The newest value of every metric of a portfolio, joined with its limit, worst first. */
@Injectable()
export class RiskMetricsService {
  constructor(
    private readonly book: PortfolioBook,
    private readonly live: LiveRiskService,
    private readonly limits: LimitEvaluationService,
    private readonly stored: RiskMetricRepository,
  ) {}

  async list(portfolioId: string) {
    if (this.book.marked(portfolioId) === undefined) throw notFound('portfolio', portfolioId);
    const values = await this.values(portfolioId);
    const nowMs = Date.now();
    const limits = new Map(this.limits.book.active(portfolioId).map((w) => [w.limit.limitType, w]));
    const types = new Set([...limits.keys(), ...values.keys()]);
    const items = [...types].map((type) => metricRow(type, values.get(type), limits.get(type), nowMs));
    items.sort(
      (a, b) =>
        (a.status === null ? 4 : severity[a.status]) - (b.status === null ? 4 : severity[b.status]) ||
        (b.utilization ?? -1) - (a.utilization ?? -1) ||
        (a.metric_type < b.metric_type ? -1 : 1),
    );
    const newest = [...values.values()].reduce<number | null>(
      (max, v) => Math.max(max ?? v.atMs, v.atMs),
      null,
    );
    return {
      portfolio_id: portfolioId,
      items,
      as_of: newest === null ? null : new Date(newest).toISOString(),
      data_age_ms: newest === null ? null : Math.max(0, nowMs - newest),
      ...(newest === null
        ? { reason: this.live.refusal(portfolioId)?.reason ?? 'no metric is known yet' }
        : {}),
    };
  }

  private async values(portfolioId: string): Promise<Map<string, Value>> {
    const out = new Map<string, Value>();
    for (const m of await this.stored.latest(portfolioId, maxMetrics)) {
      const known = out.get(m.metricType);
      if (!known || known.atMs < m.tsMs)
        out.set(m.metricType, { value: m.value, atMs: m.tsMs, source: m.kind });
    }
    const figures = this.live.entry(portfolioId)?.figures;
    if (!figures) return out;
    for (const [type, value] of metricsOf(figures)) {
      const known = out.get(type);
      // Confirmed later than computed: the figure still holds.
      const atMs = this.live.entry(portfolioId)!.confirmedAtMs;
      if (!known || known.atMs <= atMs) out.set(type, { value, atMs, source: 'live' });
    }
    return out;
  }
}

function metricRow(type: string, value: Value | undefined, watched: WatchedLimit | undefined, nowMs: number) {
  const effective = watched && effectiveThresholds(watched.limit, nowMs);
  const current = value?.value ?? null;
  return {
    metric_type: type,
    limit_id: watched?.limit.id ?? null,
    current_value: current,
    threshold_value: effective?.threshold ?? null,
    warning_threshold: effective?.warning ?? null,
    clear_threshold: effective?.clear ?? null,
    utilization: watched ? utilisation(current, watched.limit, nowMs) : null,
    status: watched ? watched.state.level : null,
    ...(watched ? {} : { status_reason: 'no limit' }),
    ...(value === undefined ? { reason: watched?.reason ?? 'no value is known' } : {}),
    source: value?.source ?? null,
    as_of: value === undefined ? null : new Date(value.atMs).toISOString(),
    data_age_ms: value === undefined ? null : Math.max(0, nowMs - value.atMs),
  };
}
