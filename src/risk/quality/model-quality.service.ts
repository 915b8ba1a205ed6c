import { Injectable } from '@nestjs/common';
import { PortfolioBook } from '../../analytics/portfolio-book.js';
import { Config } from '../../config/config.js';
import { notFound } from '../../domain/problem.js';
import { kupiecTest } from '../../kernel/kupiec-test.js';
import { portfolioReturns } from '../../kernel/portfolio-returns.js';
import { tailProbability } from '../../kernel/tail-probability.js';
import { Lifecycle } from '../../lifecycle/lifecycle.js';
import {
  riskBacktestSeconds,
  riskBacktestTime,
  riskHistoryAge,
  riskKupiec,
  riskVarExceptions,
} from '../../observability/catalogue/risk.js';
import { Logger, type ModuleLogger } from '../../observability/logger.js';
import { Metrics } from '../../observability/metrics.js';
import { RiskCompute } from '../compute/risk-compute.js';
import { isoDay } from '../history/align-closes.js';
import { type LiveEntry, LiveRiskService } from '../live/live-risk.service.js';
import { modelVersion } from '../provenance.js';
import { coverageAnswer } from '../stateless/backtest.service.js';

/** Days that are judged, and days that each forecast is made from: the Basel year. */
const judgedDays = 250;
const forecastDays = 250;
const confidence = 0.99;
/** A portfolio is tested again when its history has moved on, or after this long: its weights move. */
const againMs = 900_000;
/** Portfolios are looked at this often; one backtest at a time. */
const everyMs = 5_000;
/** Days that must be left to judge: fewer say nothing about a tail of 1 %. */
const minJudgedDays = 30;
/** Observations without which a portfolio is not tested. */
const neededDays = forecastDays + minJudgedDays;
/** Portfolios whose quality is tested: each has four series. */
const maxPortfolios = 200;

interface Report {
  readonly key: string;
  readonly atMs: number;
  readonly runtimeMs: number;
  readonly hits: Uint8Array;
  readonly lastDay: number | null;
}

/**
 * The quality of the VaR as a service level: for live portfolios with at least 280
 * observations, up to 200 of them, today's holdings are taken back through the
 * history; each day's loss is held against the historical VaR forecast from the days before it.
 */
@Injectable()
export class ModelQualityService {
  private readonly reports = new Map<string, Report>();
  private readonly log: ModuleLogger;
  private running = false;

  constructor(
    private readonly live: LiveRiskService,
    private readonly compute: RiskCompute,
    private readonly book: PortfolioBook,
    private readonly metrics: Metrics,
    private readonly config: Config,
    lifecycle: Lifecycle,
    logger: Logger,
  ) {
    this.log = logger.child('risk');
    live.onLoss((portfolioId) => this.forget(portfolioId));
    const timer = setInterval(() => void this.round(), everyMs).unref();
    lifecycle.onShutdown('stop-intake', 'model quality', () => clearInterval(timer));
  }

  report(portfolioId: string) {
    if (this.book.marked(portfolioId) === undefined) throw notFound('portfolio', portfolioId);
    const report = this.reports.get(portfolioId);
    const nowMs = Date.now();
    const about = {
      portfolio_id: portfolioId,
      method: 'historical',
      confidence,
      horizon_days: 1,
      quantile_type: 7,
      forecast_window: forecastDays,
      rule: "today's holdings on each past day; a loss greater than the VaR forecast from the days before it",
      model_version: modelVersion,
    };
    if (!report) {
      return {
        ...about,
        observations: null,
        reason: this.whyNot(portfolioId),
        as_of: null,
        data_age_ms: null,
      };
    }
    return {
      ...about,
      ...coverageAnswer({ hits: report.hits, confidence }),
      history_last_day: report.lastDay === null ? null : isoDay(report.lastDay),
      runtime_ms: report.runtimeMs,
      as_of: new Date(report.atMs).toISOString(),
      data_age_ms: nowMs - report.atMs,
    };
  }

  /** Tests every portfolio that is due. */
  async round(): Promise<void> {
    if (this.running) return;
    this.running = true;
    try {
      for (const entry of [...this.live.all()]) {
        if (!this.stands(entry) || !this.isDue(entry)) continue;
        // One that fails must not keep the others from being tested.
        await this.test(entry).catch((error: unknown) => {
          const { portfolioId } = entry;
          this.log.warn(
            { err: error, portfolio_id: portfolioId },
            'a rolling backtest failed; it is tried again',
          );
        });
      }
    } finally {
      this.running = false;
    }
  }

  /** Whether the portfolio is still live with this state: a round waits, and portfolios go meanwhile. */
  private stands({ portfolioId, state }: LiveEntry): boolean {
    return this.live.entry(portfolioId)?.state === state;
  }

  private isDue({ portfolioId, state }: LiveEntry): boolean {
    if (state.observations < neededDays || state.symbols.length === 0) return false;
    const report = this.reports.get(portfolioId);
    if (!report) return this.reports.size < maxPortfolios;
    return report.key !== state.lease.key || Date.now() - report.atMs > againMs;
  }

  private async test(entry: LiveEntry): Promise<void> {
    const { portfolioId, state, lastDay } = entry;
    const started = performance.now();
    const all = portfolioReturns(state.lease.returns, state.exposures);
    const pnl = all.subarray(Math.max(0, all.length - judgedDays - forecastDays));
    const window = Math.min(forecastDays, pnl.length - minJudgedDays);
    const { hits } = await this.compute.background({
      kind: 'rolling_backtest',
      pnl: Float64Array.from(pnl),
      window,
      confidence,
    });
    if (!this.stands(entry)) return;
    const runtimeMs = performance.now() - started;
    this.reports.set(portfolioId, { key: state.lease.key, atMs: Date.now(), runtimeMs, hits, lastDay });
    const exceptions = hits.reduce((sum, hit) => sum + hit, 0);
    const labels = { portfolio: portfolioId };
    this.metrics.histogram(riskBacktestSeconds, {}).observe(runtimeMs / 1000);
    this.metrics.gauge(riskVarExceptions, labels).set(exceptions);
    this.metrics
      .gauge(riskKupiec, labels)
      .set(kupiecTest(hits.length, exceptions, tailProbability(confidence)).pValue);
    this.metrics.gauge(riskBacktestTime, labels).set(Date.now() / 1000);
    if (lastDay !== null) this.metrics.gauge(riskHistoryAge, labels).set(lastDay * 86_400);
  }

  private forget(portfolioId: string): void {
    if (!this.reports.delete(portfolioId)) return;
    for (const spec of [riskVarExceptions, riskKupiec, riskBacktestTime, riskHistoryAge]) {
      this.metrics.remove(spec, { portfolio: portfolioId });
    }
  }

  private whyNot(portfolioId: string): string {
    const refusal = this.live.refusal(portfolioId);
    if (refusal) return refusal.reason;
    const state = this.live.entry(portfolioId)?.state;
    if (state && state.observations < neededDays) {
      return `${state.observations} observations, at least ${neededDays} are needed (RISK_WINDOW_DAYS is ${this.config.get('RISK_WINDOW_DAYS')})`;
    }
    return this.reports.size >= maxPortfolios
      ? `only ${maxPortfolios} portfolios are tested`
      : 'not tested yet';
  }
}
