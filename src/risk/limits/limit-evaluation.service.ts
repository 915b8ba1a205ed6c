import { Injectable } from '@nestjs/common';
import { Config } from '../../config/config.js';
import { EventBus } from '../../domain/event-bus.js';
import type { LimitEnded, LimitStatus, LimitTransition } from '../../domain/events.js';
import { Lifecycle } from '../../lifecycle/lifecycle.js';
import { initialLevel } from '../../observability/alerting/state-machine.js';
import { riskLimits, riskTransitions, riskUnsaved } from '../../observability/catalogue/risk.js';
import { Logger, type ModuleLogger } from '../../observability/logger.js';
import { Metrics } from '../../observability/metrics.js';
import { LimitRepository, type StoredLimit } from '../../store/limit.repository.js';
import { RiskEventWriter } from '../../store/risk-event.writer.js';
import { RiskMetricRepository } from '../../store/risk-metric.repository.js';
import { LiveRiskService } from '../live/live-risk.service.js';
import { liveMetricTypes, metricsOf, type RiskFigures } from '../live/risk-figures.js';
import { LimitBook, type WatchedLimit } from './limit-book.js';
import { advance, effectiveThresholds } from './limit-level.js';
import { TransitionWriter } from './transition-writer.js';

/** Dwell times, expiries and metrics that clients send are looked at this often. */
const tickMs = 1_000;
/** After a start, a limit keeps its stored status this long while its portfolio's figures are being rebuilt. */
const graceMs = 30_000;
const statuses = ['normal', 'warning', 'breach', 'unknown'] as const;

/**
 * Holds every active limit against its metric: live figures as they are published, sent metrics once a second. A
 * change of status becomes a stored event, the domain event `limit.transition` and a metric; the state of the
 * machine is stored with it.
 */
@Injectable()
export class LimitEvaluationService {
  readonly book = new LimitBook();
  private readonly writer: TransitionWriter;
  private readonly log: ModuleLogger;
  private readonly startedAtMs = Date.now();
  private busy = false;
  private lastStore = 0;

  constructor(
    private readonly live: LiveRiskService,
    private readonly limits: LimitRepository,
    private readonly latest: RiskMetricRepository,
    private readonly bus: EventBus,
    private readonly metrics: Metrics,
    private readonly config: Config,
    events: RiskEventWriter,
    lifecycle: Lifecycle,
    logger: Logger,
  ) {
    this.log = logger.child('limits');
    const lost = metrics.counter(riskUnsaved, { what: 'transition' });
    this.writer = new TransitionWriter(limits, events, (count) => lost.inc(count), this.log);
    for (const status of statuses) {
      metrics.gaugeFrom(riskLimits, { status }, () => this.count(status));
    }
    live.onFigures((figures) => this.figures(figures));
    live.onLoss((portfolioId, refusal) => {
      this.loss(portfolioId, refusal?.reason ?? 'the portfolio was deleted');
      // The store has marked its limits deleted with it.
      if (refusal === null)
        for (const { limit } of this.book.of(portfolioId)) this.remove(limit.id, 'the portfolio was deleted');
    });
    const timer = setInterval(() => void this.tick(), tickMs).unref();
    lifecycle.onShutdown('stop-intake', 'limits', () => clearInterval(timer));
    // Before the store's own writers stop.
    lifecycle.onShutdown('drain-clients', 'limit transitions', () => this.writer.stop());
  }

  /** Reads the limits; before the first figures come. */
  async load(): Promise<void> {
    this.book.load(await this.limits.all());
  }

  /** A limit is new or was changed: it is judged by what is known now. */
  put(limit: StoredLimit): WatchedLimit {
    const watched = this.book.put(limit);
    if (!limit.active) {
      this.rest(watched);
      return watched;
    }
    const figures = this.live.entry(limit.portfolioId)?.figures;
    const value = figures ? metricsOf(figures).get(limit.limitType) : undefined;
    if (value !== undefined) this.evaluate(watched, value, null, Date.now());
    else if (liveMetricTypes.has(limit.limitType)) {
      this.lose(watched, this.live.refusal(limit.portfolioId)?.reason ?? 'no figures yet');
    }
    return watched;
  }

  /** A limit is gone from the store. */
  remove(id: string, why: LimitEnded['why']): void {
    const watched = this.book.get(id);
    if (!watched) return;
    this.book.remove(id);
    this.ended(watched.limit, why);
  }

  /** A limit that is switched off has no status. Switched on again, it begins anew, and what it finds is news. */
  private rest(watched: WatchedLimit): void {
    watched.reason = 'the limit is not active';
    if (watched.state === initialLevel) return;
    const before = watched.state.level;
    watched.state = initialLevel;
    watched.value = null;
    if (before === 'unknown') this.save(watched, null);
    else this.transition(watched, before, Date.now());
    this.ended(watched.limit, 'the limit was switched off');
  }

  private ended({ portfolioId, id, limitType }: StoredLimit, why: LimitEnded['why']): void {
    this.bus.emit('limit.ended', { portfolioId, limitId: id, limitType, why, atMs: Date.now() });
  }

  private figures(figures: RiskFigures): void {
    const active = this.book.active(figures.portfolioId);
    if (active.length === 0) return;
    const values = metricsOf(figures);
    for (const watched of active) {
      const value = values.get(watched.limit.limitType);
      if (value !== undefined) this.evaluate(watched, value, null, figures.computedAtMs);
    }
  }

  private loss(portfolioId: string, reason: string): void {
    for (const watched of this.book.active(portfolioId)) {
      if (liveMetricTypes.has(watched.limit.limitType)) this.lose(watched, reason);
    }
  }

  private lose(watched: WatchedLimit, reason: string): void {
    // While the process starts, silence is no news: the stored status stands until figures come or the grace is
    // over.
    if (Date.now() - this.startedAtMs < graceMs && watched.state.level !== 'unknown') {
      watched.reason = reason;
      return;
    }
    this.evaluate(watched, null, reason, Date.now());
  }

  private evaluate(watched: WatchedLimit, value: number | null, reason: string | null, atMs: number): void {
    const { limit } = watched;
    const before = watched.state.level;
    watched.state = advance(watched.state, limit, value, atMs);
    watched.dirty ||= watched.value !== value;
    watched.value = value;
    watched.reason = reason;
    if (watched.state.level !== before) this.transition(watched, before, atMs);
  }

  private transition(watched: WatchedLimit, from: LimitStatus, atMs: number): void {
    const { limit, state, value } = watched;
    const { threshold, warning } = effectiveThresholds(limit, atMs);
    const event: LimitTransition = {
      portfolioId: limit.portfolioId,
      limitId: limit.id,
      limitType: limit.limitType,
      from,
      to: state.level,
      value,
      thresholdValue: threshold,
      warningThreshold: warning,
      atMs,
    };
    this.metrics.counter(riskTransitions, { to: state.level }).inc();
    this.save(watched, event);
    this.bus.emit('limit.transition', event);
  }

  private save(watched: WatchedLimit, event: LimitTransition | null): void {
    watched.dirty = false;
    const { limit, state, value } = watched;
    this.writer.add(
      {
        id: limit.id,
        currentValue: value,
        status: state.level,
        statusSinceMs: state.sinceMs,
        machine: state,
      },
      event,
    );
  }

  private async tick(): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    try {
      await this.sentMetrics();
      const nowMs = Date.now();
      const storeDue = Math.floor(nowMs / this.config.get('RISK_STORE_MS')) !== this.lastStore;
      for (const watched of this.book.all()) {
        if (!watched.limit.active) continue;
        this.again(watched, nowMs);
        if (storeDue && watched.dirty) this.save(watched, null);
      }
      this.lastStore = Math.floor(nowMs / this.config.get('RISK_STORE_MS'));
      await this.expireIncreases(nowMs);
    } catch (error) {
      this.log.warn({ err: error }, 'evaluating limits failed; trying again');
    } finally {
      this.busy = false;
    }
  }

  /** Time alone moves a limit: a dwell ends, a temporary increase expires, the grace after a start is over. */
  private again(watched: WatchedLimit, nowMs: number): void {
    if (!liveMetricTypes.has(watched.limit.limitType)) return;
    const refusal = this.live.refusal(watched.limit.portfolioId);
    if (refusal) this.lose(watched, refusal.reason);
    else if (watched.value !== null && this.live.entry(watched.limit.portfolioId)?.figures) {
      this.evaluate(watched, watched.value, null, nowMs);
    }
  }

  /** A temporary increase has no effect from its end on; taking it off the limit is in the audit, by `system`. */
  private async expireIncreases(nowMs: number): Promise<void> {
    const none = { temporaryThreshold: null, temporaryUntilMs: null };
    const over = ({ temporaryUntilMs: until }: StoredLimit): boolean => until !== null && until <= nowMs;
    for (const watched of [...this.book.all()].filter(({ limit }) => over(limit))) {
      const by = { actor: 'system', action: 'increase_expired', comment: null };
      const after = await this.limits.update(watched.limit.id, none, by, over);
      if (after) this.book.put(after);
      // Stored otherwise: another process has taken it off, or deleted the limit.
      else if (over(watched.limit)) watched.limit = { ...watched.limit, ...none };
    }
  }

  /** Limits on metrics that clients send. */
  private async sentMetrics(): Promise<void> {
    const watched = [...this.book.all()].filter(
      (w) => w.limit.active && !liveMetricTypes.has(w.limit.limitType),
    );
    if (watched.length === 0) return;
    const rows = await this.latest.latestOf(
      watched.map((w) => ({ portfolioId: w.limit.portfolioId, metricType: w.limit.limitType })),
    );
    const values = new Map(rows.map((r) => [`${r.portfolioId} ${r.metricType}`, r.value]));
    const nowMs = Date.now();
    for (const w of watched) {
      const value = values.get(`${w.limit.portfolioId} ${w.limit.limitType}`) ?? null;
      this.evaluate(w, value, value === null ? `no value of ${w.limit.limitType} is stored` : null, nowMs);
    }
  }

  private count(status: LimitStatus): number {
    let count = 0;
    for (const { limit, state } of this.book.all()) if (limit.active && state.level === status) count++;
    return count;
  }
}
