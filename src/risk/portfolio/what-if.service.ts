import { Injectable } from '@nestjs/common';
import { PortfolioBook } from '../../analytics/portfolio-book.js';
import { Config } from '../../config/config.js';
import { notFound } from '../../domain/problem.js';
import { riskWhatIf, riskWhatIfTime } from '../../observability/catalogue/risk.js';
import { Metrics } from '../../observability/metrics.js';
import { contentHash } from '../compute/content-hash.js';
import { HistoryService } from '../history/history.service.js';
import { ScenarioPanels } from '../history/scenario-panels.js';
import { LimitEvaluationService } from '../limits/limit-evaluation.service.js';
import { effectiveThresholds } from '../limits/limit-level.js';
import { LivePortfolio, type LiveTails, liveConfidences } from '../live/live-portfolio.js';
import { LiveRiskService } from '../live/live-risk.service.js';
import {
  liveMetricTypes,
  metricsOf,
  pathsOf,
  type RiskFigures,
  simulatedAnswer,
} from '../live/risk-figures.js';
import { provenance } from '../provenance.js';
import { type PortfolioExposures, portfolioExposures } from './portfolio-exposures.js';
import type { WhatIfRequest } from './portfolio-risk.dto.js';

/** Closed: a client may switch on it. Everything that could not be checked denies. */
export type WhatIfReason =
  | 'WITHIN_LIMITS'
  | 'REDUCES_RISK'
  | 'NO_LIMITS'
  | 'LIMIT_BREACH'
  | 'STALE_DATA'
  | 'MISSING_PRICE'
  | 'MISSING_HISTORY'
  | 'SHORT_HISTORY'
  | 'LIMIT_NOT_EVALUATED';

interface Decision {
  readonly decision: 'allow' | 'deny';
  readonly reason_code: WhatIfReason;
  readonly reason: string;
}

/** Exposures before and after, over one set of symbols. */
interface Projection {
  readonly before: RiskFigures;
  readonly after: RiskFigures;
  readonly oldestMs: number | null;
}

const deny = (reason_code: WhatIfReason, reason: string): Decision => ({
  decision: 'deny',
  reason_code,
  reason,
});

/**
 * Pre-trade check: the risk of the book with an order in it, held against the limits. Answers from the live state;
 * an order in a symbol that is not held needs its history first. Fails closed: stale or missing data, or a limit
 * that cannot be evaluated, deny.
 */
@Injectable()
export class WhatIfService {
  constructor(
    private readonly book: PortfolioBook,
    private readonly live: LiveRiskService,
    private readonly history: HistoryService,
    private readonly limits: LimitEvaluationService,
    private readonly config: Config,
    private readonly metrics: Metrics,
  ) {}

  async check(portfolioId: string, { orders }: WhatIfRequest) {
    const started = performance.now();
    const result = portfolioExposures(this.book, portfolioId);
    if (result === undefined) throw notFound('portfolio', portfolioId);
    const projected = result.known
      ? await this.project(result.known, orders)
      : deny(
          result.refusal.code === 'MISSING_PRICE' ? 'MISSING_PRICE' : 'LIMIT_NOT_EVALUATED',
          result.refusal.reason,
        );
    const decision = 'decision' in projected ? projected : this.decide(portfolioId, projected);
    const projection = 'decision' in projected ? null : projected;
    const runtimeMs = performance.now() - started;
    this.metrics.counter(riskWhatIf, { decision: decision.decision, reason: decision.reason_code }).inc();
    this.metrics.histogram(riskWhatIfTime, {}).observe(runtimeMs / 1000);
    const nowMs = Date.now();
    return {
      portfolio_id: portfolioId,
      ...decision,
      method: 'historical',
      confidence: liveConfidences[liveConfidences.length - 1],
      horizon_days: 1,
      quantile_type: 7,
      orders,
      currency: result.known?.portfolio.currency ?? null,
      current: projection && summary(projection.before),
      projected: projection && summary(projection.after),
      limits: projection === null ? [] : this.utilisations(portfolioId, projection, nowMs),
      observations: projection?.after.observations ?? null,
      ...provenance({
        inputsHash: contentHash({ portfolioId, orders, exposures: result.known?.exposures ?? null }),
        runtimeMs,
        cached: false,
        asOfMs: result.known?.asOfMs ?? null,
        nowMs,
      }),
    };
  }

  private async project(
    known: PortfolioExposures,
    orders: WhatIfRequest['orders'],
  ): Promise<Projection | Decision> {
    const portfolioId = known.portfolio.id;
    const changes = new Map<string, number>();
    let oldestMs = known.oldestMs;
    for (const { symbol, quantity } of orders) {
      const quote = this.book.price(symbol);
      const rate = this.book.fxRate(symbol, known.portfolio.currency);
      if (quote === undefined || rate === undefined)
        return deny('MISSING_PRICE', `no price is known for ${symbol}`);
      oldestMs = Math.min(oldestMs ?? quote.tsMs, quote.tsMs);
      changes.set(symbol, (changes.get(symbol) ?? 0) + quantity * quote.price * rate);
    }
    const figures = this.live.update(portfolioId);
    const entry = this.live.entry(portfolioId);
    const held = entry && [...changes.keys()].every((s) => entry.state.indexOf(s) !== undefined);
    if (figures && entry && held) {
      const after = closesAll(known, orders)
        ? nothingHeld(figures)
        : projectLive(figures, entry.state, changes);
      return { before: figures, after, oldestMs };
    }
    return this.projectAnew(known, changes, oldestMs);
  }

  /**
   * A symbol that is not held, or a portfolio without a live state: both books from scratch over their common
   * history.
   */
  private async projectAnew(
    known: PortfolioExposures,
    changes: ReadonlyMap<string, number>,
    oldestMs: number | null,
  ): Promise<Projection | Decision> {
    const symbols = [...new Set([...known.symbols, ...changes.keys()])];
    const read = await this.history.aligned(symbols);
    if (!read.aligned) return deny(read.refusal.code, read.refusal.reason);
    const lease = new ScenarioPanels().lease(read.aligned);
    const exposures = new Float64Array(symbols.length);
    known.exposures.forEach((e, i) => {
      exposures[i] = e;
    });
    const lastDay = read.aligned.days.at(-1) ?? null;
    const before = figuresOf(known, new LivePortfolio(symbols, exposures, lease), lastDay);
    symbols.forEach((symbol, i) => {
      exposures[i] = exposures[i]! + (changes.get(symbol) ?? 0);
    });
    return {
      before,
      after: figuresOf(known, new LivePortfolio(symbols, exposures, lease), lastDay),
      oldestMs,
    };
  }

  private decide(portfolioId: string, { before, after, oldestMs }: Projection): Decision {
    const nowMs = Date.now();
    const staleMs = this.config.get('RISK_STALE_MS');
    if (oldestMs !== null && nowMs - oldestMs > staleMs) {
      const age = Math.round((nowMs - oldestMs) / 1000);
      return deny('STALE_DATA', `the oldest price is ${age} s old, more than ${staleMs / 1000} s`);
    }
    // A projection beyond the range of a double compares with no limit: what cannot be evaluated is denied.
    if (![...metricsOf(after).values()].every(Number.isFinite)) {
      return deny('LIMIT_NOT_EVALUATED', 'the projected figures are beyond the range of numbers');
    }
    const active = this.limits.book.active(portfolioId);
    if (active.length === 0)
      return { decision: 'allow', reason_code: 'NO_LIMITS', reason: 'no limit is active' };
    const [now, then] = [metricsOf(before), metricsOf(after)];
    let reduces = false;
    for (const { limit, value } of active) {
      const { threshold } = effectiveThresholds(limit, nowMs);
      const projected = then.get(limit.limitType);
      const current = now.get(limit.limitType);
      // Without positions there is no share of a value, and no risk either.
      if (projected === undefined && after.grossExposure === 0 && liveMetricTypes.has(limit.limitType))
        continue;
      if (projected === undefined || current === undefined) {
        // A limit on a metric that orders do not move: what is known of it must allow.
        if (value === null) return deny('LIMIT_NOT_EVALUATED', `${limit.limitType} has no value`);
        if (value > threshold) {
          return deny(
            'LIMIT_BREACH',
            `${limit.limitType} is in breach, and what the order does to it is not known`,
          );
        }
        continue;
      }
      if (projected <= threshold) continue;
      if (projected >= current) {
        return deny('LIMIT_BREACH', `${limit.limitType} would be ${projected}, above ${threshold}`);
      }
      reduces = true;
    }
    return reduces
      ? { decision: 'allow', reason_code: 'REDUCES_RISK', reason: 'a limit stays in breach, but by less' }
      : { decision: 'allow', reason_code: 'WITHIN_LIMITS', reason: 'every limit holds' };
  }

  private utilisations(portfolioId: string, { before, after }: Projection, nowMs: number) {
    const [now, then] = [metricsOf(before), metricsOf(after)];
    return this.limits.book.active(portfolioId).map(({ limit, value }) => {
      const { threshold, warning } = effectiveThresholds(limit, nowMs);
      const current = now.get(limit.limitType) ?? value;
      const projected = then.get(limit.limitType) ?? null;
      return {
        limit_id: limit.id,
        limit_type: limit.limitType,
        threshold_value: threshold,
        warning_threshold: warning,
        current_value: current,
        current_utilization: current === null ? null : current / threshold,
        projected_value: projected,
        projected_utilization: projected === null ? null : projected / threshold,
        projected_status:
          projected === null
            ? 'unknown'
            : projected > threshold
              ? 'breach'
              : projected > warning
                ? 'warning'
                : 'normal',
      };
    });
  }
}

function projectLive(
  figures: RiskFigures,
  state: LivePortfolio,
  changes: ReadonlyMap<string, number>,
): RiskFigures {
  const moves = new Map([...changes].map(([symbol, change]) => [state.indexOf(symbol)!, change]));
  const exposures = Float64Array.from(state.exposures);
  for (const [asset, change] of moves) exposures[asset] = exposures[asset]! + change;
  return { ...figures, ...totals(exposures), tails: state.projected(moves) };
}

/** Whether no position is left: by quantities, because exposures that cancel leave what rounding left. */
function closesAll({ symbols, quantities }: PortfolioExposures, orders: WhatIfRequest['orders']): boolean {
  const left = new Map(symbols.map((symbol, i) => [symbol, quantities[i]!]));
  for (const { symbol, quantity } of orders) left.set(symbol, (left.get(symbol) ?? 0) + quantity);
  return [...left.values()].every((quantity) => quantity === 0);
}

function nothingHeld(figures: RiskFigures): RiskFigures {
  const { historical, parametric, monteCarlo } = figures.tails;
  const zero = (tails: LiveTails['historical']) =>
    tails.map((tail) => ({ ...tail, var: 0, expectedShortfall: 0 }));
  return {
    ...figures,
    ...totals(new Float64Array(0)),
    tails: {
      historical: zero(historical),
      parametric: zero(parametric),
      monteCarlo: monteCarlo?.map(() => ({ var: 0, expectedShortfall: 0, standardError: 0 })) ?? null,
    },
  };
}

function figuresOf(known: PortfolioExposures, state: LivePortfolio, lastDay: number | null): RiskFigures {
  return {
    portfolioId: known.portfolio.id,
    currency: known.portfolio.currency,
    ...totals(state.exposures),
    tails: state.tails(),
    observations: state.observations,
    lastDay,
    paths: null,
    asOfMs: known.asOfMs,
    computedAtMs: Date.now(),
  };
}

function totals(exposures: Float64Array): Pick<RiskFigures, 'value' | 'grossExposure' | 'largestShare'> {
  const gross = exposures.reduce((sum, e) => sum + Math.abs(e), 0);
  const largest = exposures.reduce((max, e) => Math.max(max, Math.abs(e)), 0);
  return {
    value: exposures.reduce((sum, e) => sum + e, 0),
    grossExposure: gross,
    largestShare: gross === 0 ? 0 : largest / gross,
  };
}

function summary(figures: RiskFigures) {
  const { historical, parametric, monteCarlo } = figures.tails;
  const at = liveConfidences.length - 1;
  return {
    value: figures.value,
    gross_exposure: figures.grossExposure,
    var: historical[at]!.var,
    expected_shortfall: historical[at]!.expectedShortfall,
    var_fraction: figures.value === 0 ? null : historical[at]!.var / Math.abs(figures.value),
    var_parametric: parametric[at]!.var,
    ...(monteCarlo
      ? {
          var_monte_carlo: monteCarlo[at]!.var,
          monte_carlo: { ...simulatedAnswer(monteCarlo[at]!), ...pathsOf(figures) },
        }
      : {}),
  };
}
