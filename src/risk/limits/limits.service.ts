import { Injectable } from '@nestjs/common';
import { PortfolioBook } from '../../analytics/portfolio-book.js';
import { Config } from '../../config/config.js';
import { ageReason, dataAgeMs } from '../../domain/data-age.js';
import { notFound, Problem } from '../../domain/problem.js';
import { AuditRepository } from '../../store/audit.repository.js';
import { type LimitChange, LimitRepository, type StoredLimit } from '../../store/limit.repository.js';
import { RiskEventRepository } from '../../store/risk-event.repository.js';
import { RiskMetricRepository } from '../../store/risk-metric.repository.js';
import { liveMetricTypes } from '../live/risk-figures.js';
import type {
  Acknowledgement,
  EventPage,
  Increase,
  LimitPatch,
  LimitSelector,
  NewLimit,
} from './limit.dto.js';
import { disorder } from './limit.dto.js';
import type { WatchedLimit } from './limit-book.js';
import { LimitEvaluationService } from './limit-evaluation.service.js';
import { auditView, limitView, transitionView } from './limit-view.js';

/** Active limits of one portfolio; more would be a mistake. */
const maxLimits = 200;
/** Longest temporary increase, ms: what is needed for longer is a new limit. */
const maxIncreaseMs = 31 * 86_400_000;
/** What operators do with limits. Every change is durable and audited before it is in force. */
@Injectable()
export class LimitsService {
  constructor(
    private readonly evaluation: LimitEvaluationService,
    private readonly limits: LimitRepository,
    private readonly events: RiskEventRepository,
    private readonly audit: AuditRepository,
    private readonly portfolios: PortfolioBook,
    private readonly sent: RiskMetricRepository,
    private readonly config: Config,
  ) {}

  list(portfolioId: string) {
    this.requirePortfolio(portfolioId);
    const nowMs = Date.now();
    const items = this.evaluation.book
      .of(portfolioId)
      .map((w) => limitView(w, nowMs))
      .sort((a, b) => (b.utilization ?? -1) - (a.utilization ?? -1));
    return { portfolio_id: portfolioId, items, as_of: new Date(nowMs).toISOString(), data_age_ms: 0 };
  }

  get(portfolioId: string, id: string) {
    return limitView(this.require(portfolioId, id), Date.now());
  }

  /**
   * @param actor who does it, for the audit; likewise below
   * @throws Problem 409 `LIMIT_EXISTS` when an active limit of the type exists, 422 when there is no such metric
   */
  async create(portfolioId: string, body: NewLimit, actor: string) {
    this.requirePortfolio(portfolioId);
    await this.requireMetric(portfolioId, body.limit_type);
    const present = this.evaluation.book.of(portfolioId);
    if (body.active) this.requireSingle(present, body.limit_type, null);
    if (present.length >= maxLimits) {
      throw new Problem(409, 'TOO_MANY_LIMITS', `A portfolio has at most ${maxLimits} limits.`);
    }
    const limit = await this.limits.create(
      portfolioId,
      {
        limitType: body.limit_type,
        thresholdValue: body.threshold_value,
        warningThreshold: body.warning_threshold,
        clearThreshold: body.clear_threshold,
        dwellMs: body.dwell_ms,
        active: body.active,
      },
      { actor, action: 'created', comment: body.comment ?? null },
    );
    return limitView(this.evaluation.put(limit), Date.now());
  }

  async change(portfolioId: string, id: string | undefined, patch: LimitPatch, actor: string) {
    const watched = this.select(portfolioId, { id: id ?? patch.id, limit_type: patch.limit_type });
    const { limit } = watched;
    const next = {
      threshold_value: patch.threshold_value ?? limit.thresholdValue,
      warning_threshold: patch.warning_threshold ?? limit.warningThreshold,
      clear_threshold: patch.clear_threshold === undefined ? limit.clearThreshold : patch.clear_threshold,
    };
    const wrong = disorder(next);
    if (wrong.length > 0) {
      const errors = wrong.map(({ field, message }) => ({ pointer: `/${field}`, code: 'INVALID', message }));
      throw new Problem(422, 'VALIDATION_FAILED', `${errors[0]!.pointer}: ${errors[0]!.message}`, { errors });
    }
    if (patch.active === true && !limit.active) {
      this.requireSingle(this.evaluation.book.of(portfolioId), limit.limitType, limit.id);
    }
    return this.update(
      limit,
      {
        thresholdValue: next.threshold_value,
        warningThreshold: next.warning_threshold,
        clearThreshold: next.clear_threshold,
        dwellMs: patch.dwell_ms ?? limit.dwellMs,
        active: patch.active ?? limit.active,
      },
      { actor, action: 'changed', comment: patch.comment ?? null },
    );
  }

  async delete(portfolioId: string, selector: LimitSelector, actor: string): Promise<void> {
    const { limit } = this.select(portfolioId, selector);
    if (!(await this.limits.softDelete(limit.id, { actor, action: 'deleted', comment: null }))) {
      throw notFound('limit', limit.id);
    }
    this.evaluation.remove(limit.id, 'the limit was deleted');
  }

  /** Somebody has seen it. Stays until the limit is normal again. */
  acknowledge(portfolioId: string, id: string, { comment }: Acknowledgement, actor: string) {
    const { limit, state } = this.require(portfolioId, id);
    if (state.level !== 'warning' && state.level !== 'breach') {
      throw new Problem(409, 'NOTHING_TO_ACKNOWLEDGE', `The limit is ${state.level}.`);
    }
    return this.update(
      limit,
      { acknowledgedAtMs: Date.now(), acknowledgedBy: actor, acknowledgeComment: comment },
      { actor, action: 'acknowledged', comment },
    );
  }

  /** Raises a limit until a moment; then it is what it was. */
  increase(portfolioId: string, id: string, body: Increase, actor: string) {
    const { limit } = this.require(portfolioId, id);
    const untilMs = typeof body.until === 'number' ? body.until : Date.parse(body.until);
    const nowMs = Date.now();
    const wrong = (pointer: string, message: string): Problem =>
      new Problem(422, 'VALIDATION_FAILED', `${pointer}: ${message}`, {
        errors: [{ pointer, code: 'INVALID', message }],
      });
    if (untilMs <= nowMs) throw wrong('/until', 'must be in the future');
    if (untilMs - nowMs > maxIncreaseMs) throw wrong('/until', 'must be within 31 days');
    if (body.threshold_value <= limit.thresholdValue) {
      throw wrong('/threshold_value', `must be above the limit's own ${limit.thresholdValue}`);
    }
    return this.update(
      limit,
      { temporaryThreshold: body.threshold_value, temporaryUntilMs: untilMs },
      { actor, action: 'increased', comment: body.comment },
    );
  }

  async history(portfolioId: string, id: string) {
    this.requirePortfolio(portfolioId);
    const entries = await this.audit.of('risk_limit', id);
    if (entries.length === 0 || entries.some((e) => e.portfolioId !== portfolioId))
      throw notFound('limit', id);
    return { limit_id: id, items: entries.map(auditView) };
  }

  async transitions(portfolioId: string, { limit, cursor }: EventPage) {
    this.requirePortfolio(portfolioId);
    const { events, nextCursor } = await this.events.page(portfolioId, { limit, cursor });
    const nowMs = Date.now();
    return {
      portfolio_id: portfolioId,
      items: events.map(transitionView),
      next_cursor: nextCursor,
      as_of: new Date(nowMs).toISOString(),
      data_age_ms: events[0] === undefined ? null : dataAgeMs(events[0].atMs, nowMs),
      ...(events[0] === undefined
        ? { reason: 'no limit of this portfolio has changed its status' }
        : ageReason(events[0].atMs, nowMs)),
    };
  }

  private async update(
    limit: StoredLimit,
    change: LimitChange,
    by: { readonly actor: string; readonly action: string; readonly comment: string | null },
  ) {
    const after = await this.limits.update(limit.id, change, by);
    if (!after) throw notFound('limit', limit.id);
    return limitView(this.evaluation.put(after), Date.now());
  }

  private requirePortfolio(portfolioId: string): void {
    if (this.portfolios.marked(portfolioId) === undefined) throw notFound('portfolio', portfolioId);
  }

  /** A limit on what nobody measures would never be judged, and every pre-trade check would fail closed on it. */
  private async requireMetric(portfolioId: string, metricType: string): Promise<void> {
    const pathless = this.config.get('RISK_LIVE_PATHS') === 0;
    const live = [...liveMetricTypes].filter((type) => !(pathless && type.endsWith('_monte_carlo')));
    if (live.includes(metricType)) return;
    const known = await this.sent.latestOf([{ portfolioId, metricType }]);
    if (known.length > 0) return;
    const message = `is neither a live metric (${live.join(', ')}) nor one that has been sent for this portfolio`;
    throw new Problem(422, 'VALIDATION_FAILED', `/limit_type: ${message}`, {
      errors: [{ pointer: '/limit_type', code: 'UNKNOWN_METRIC', message }],
    });
  }

  private require(portfolioId: string, id: string): WatchedLimit {
    this.requirePortfolio(portfolioId);
    const watched = this.evaluation.book.get(id);
    if (watched?.limit.portfolioId !== portfolioId) throw notFound('limit', id);
    return watched;
  }

  private select(portfolioId: string, { id, limit_type: limitType }: LimitSelector): WatchedLimit {
    if (id !== undefined) return this.require(portfolioId, id);
    this.requirePortfolio(portfolioId);
    if (limitType === undefined) {
      const message = 'id or limit_type must say which limit is meant';
      throw new Problem(422, 'VALIDATION_FAILED', message, {
        errors: [{ pointer: '/id', code: 'REQUIRED', message }],
      });
    }
    const found = this.evaluation.book.of(portfolioId).filter((w) => w.limit.limitType === limitType);
    const watched = found.find((w) => w.limit.active) ?? found[0];
    if (!watched) throw notFound('limit', limitType);
    return watched;
  }

  private requireSingle(present: readonly WatchedLimit[], limitType: string, except: string | null): void {
    const other = present.find(
      (w) => w.limit.active && w.limit.limitType === limitType && w.limit.id !== except,
    );
    if (!other) return;
    throw new Problem(409, 'LIMIT_EXISTS', `An active limit on ${limitType} exists: ${other.limit.id}.`);
  }
}
