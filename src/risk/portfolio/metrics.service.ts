import { Injectable } from '@nestjs/common';
import { PortfolioBook } from '../../analytics/portfolio-book.js';
import { ageReason, dataAgeMs } from '../../domain/data-age.js';
import { notFound } from '../../domain/problem.js';
import { type LatestMetric, MetricRepository } from '../../store/metric.repository.js';
import { contentHash } from '../compute/content-hash.js';
import type { WatchedLimit } from '../limits/limit-book.js';
import { LimitEvaluationService } from '../limits/limit-evaluation.service.js';
import { effectiveThresholds, utilisation } from '../limits/limit-level.js';
import { LiveRiskService } from '../live/live-risk.service.js';
import { metricsOf } from '../live/risk-figures.js';
import { modelVersion } from '../provenance.js';

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
    private readonly stored: MetricRepository,
  ) {}

  async list(portfolioId: string) {
    if (this.book.marked(portfolioId) === undefined) throw notFound('portfolio', portfolioId);
    const started = performance.now();
    const stored = await this.stored.latestWithLimits(portfolioId);
    const values = this.values(portfolioId, stored);
    const nowMs = Date.now();
    const limits = new Map(this.limits.book.active(portfolioId).map((w) => [w.limit.limitType, w]));
    const types = new Set([...limits.keys(), ...values.keys(), ...stored.map((m) => m.metricType)]);
    const limitElsewhere = new Map(stored.map((m) => [m.metricType, m.limit]));
    const items = [...types].map((type) => {
      const row = metricRow(type, values.get(type), limits.get(type), nowMs);
      const limit = limitElsewhere.get(type);
      return limits.has(type) || !limit ? row : { ...row, ...storedLimit(row.current_value, limit) };
    });
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
      data_age_ms: newest === null ? null : dataAgeMs(newest, nowMs),
      ...(newest === null
        ? { reason: this.live.refusal(portfolioId)?.reason ?? 'no metric is known yet' }
        : ageReason(newest, nowMs)),
      inputs_hash: contentHash(items.map((item) => [item.metric_type, item.current_value, item.as_of])),
      model_version: modelVersion,
      runtime_ms: performance.now() - started,
    };
  }

  /** Live figures where they are newer than what is stored. */
  private values(portfolioId: string, stored: readonly LatestMetric[]): Map<string, Value> {
    const out = new Map<string, Value>();
    for (const { metricType, value, tsMs, kind } of stored) {
      if (value !== null && tsMs !== null && kind !== null)
        out.set(metricType, { value, atMs: tsMs, source: kind });
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

/** A limit that another process has set and this one has not taken over yet. */
function storedLimit(current: number | null, limit: NonNullable<LatestMetric['limit']>) {
  return {
    limit_id: limit.id,
    threshold_value: limit.thresholdValue,
    warning_threshold: limit.warningThreshold,
    clear_threshold: limit.clearThreshold,
    utilization: current === null ? null : Math.abs(current) / limit.thresholdValue,
    status: limit.status,
    status_reason: 'as stored',
  };
}

function metricRow(type: string, value: Value | undefined, watched: WatchedLimit | undefined, nowMs: number) {
  const effective = watched && effectiveThresholds(watched.limit, nowMs);
  const current = value?.value ?? null;
  return {
    metric_type: type,
    limit_id: watched?.limit.id ?? null,
    current_value: current,
    threshold_value: watched?.limit.thresholdValue ?? null,
    warning_threshold: watched?.limit.warningThreshold ?? null,
    clear_threshold: watched?.limit.clearThreshold ?? null,
    effective_threshold_value: effective?.threshold ?? null,
    effective_warning_threshold: effective?.warning ?? null,
    effective_clear_threshold: effective?.clear ?? null,
    utilization: watched ? utilisation(current, watched.limit, nowMs) : null,
    status: watched ? watched.state.level : null,
    ...(watched ? {} : { status_reason: 'no limit' }),
    ...reasonOf(value, watched, nowMs),
    source: value?.source ?? null,
    as_of: value === undefined ? null : new Date(value.atMs).toISOString(),
    data_age_ms: value === undefined ? null : dataAgeMs(value.atMs, nowMs),
  };
}

function reasonOf(value: Value | undefined, watched: WatchedLimit | undefined, nowMs: number) {
  return value === undefined
    ? { reason: watched?.reason ?? 'no value is known' }
    : ageReason(value.atMs, nowMs);
}
