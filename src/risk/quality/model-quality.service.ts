import { Injectable } from '@nestjs/common';
import { PortfolioBook } from '../../analytics/portfolio-book.js';
import { Config } from '../../config/config.js';
import { notFound } from '../../domain/problem.js';
import { kupiecTest } from '../../kernel/kupiec-test.js';
import { portfolioReturns } from '../../kernel/portfolio-returns.js';
import { tailProbability } from '../../kernel/tail-probability.js';
import { Lifecycle } from '../../lifecycle/lifecycle.js';
import {
  riskBacktestPortfolios,
  riskBacktestSeconds,
  riskOldestBacktest,
} from '../../observability/catalogue/risk.js';
import { Logger, type ModuleLogger } from '../../observability/logger.js';
import { Metrics } from '../../observability/metrics.js';
import { contentHash } from '../compute/content-hash.js';
import { RiskCompute } from '../compute/risk-compute.js';
import { isoDay } from '../history/align-closes.js';
import { type LiveEntry, LiveRiskService } from '../live/live-risk.service.js';
import { modelVersion } from '../provenance.js';
import { coverageAnswer } from '../stateless/backtest.service.js';
import { CoverageSeries } from './coverage-series.js';

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

interface Report {
  readonly key: string;
  readonly atMs: number;
  readonly runtimeMs: number;
  /** Of the P&L and the parameters. */
  readonly inputsHash: string;
  readonly hits: Uint8Array;
  readonly lastDay: number | null;
}

/**
 * The quality of the VaR as a service level: for every live portfolio with at least 280 observations, today's holdings
 * are taken back through the history; each day's loss is held against the historical VaR forecast from the days
 * before it. One portfolio after the other, whose last test is longest ago first.
 */
@Injectable()
export class ModelQualityService {
  private readonly reports = new Map<string, Report>();
  /** Since when a portfolio waits for its first test, Unix ms. */
  private readonly waiting = new Map<string, number>();
  private readonly series: CoverageSeries;
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
    this.series = new CoverageSeries(metrics);
    const states = { tested: () => this.reports.size, waiting: () => this.waiting.size };
    for (const state of ['tested', 'waiting'] as const) {
      metrics.gaugeFrom(riskBacktestPortfolios, { state }, states[state]);
    }
    metrics.gaugeFrom(riskBacktestPortfolios, { state: 'short' }, () => this.short());
    metrics.gaugeFrom(riskOldestBacktest, {}, () => this.oldestSeconds());
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
        inputs_hash: null,
        runtime_ms: null,
        as_of: null,
        data_age_ms: null,
      };
    }
    return {
      ...about,
      ...coverageAnswer({ hits: report.hits, confidence }),
      history_last_day: report.lastDay === null ? null : isoDay(report.lastDay),
      inputs_hash: report.inputsHash,
      runtime_ms: report.runtimeMs,
      as_of: new Date(report.atMs).toISOString(),
      data_age_ms: nowMs - report.atMs,
    };
  }

  /** Tests every portfolio that is due, that which has waited longest first. */
  async round(): Promise<void> {
    if (this.running) return;
    this.running = true;
    try {
      for (const entry of this.due()) {
        if (!this.stands(entry)) continue;
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

  private due(): LiveEntry[] {
    const nowMs = Date.now();
    const due: { readonly entry: LiveEntry; readonly sinceMs: number }[] = [];
    for (const entry of this.live.all()) {
      const { portfolioId, state } = entry;
      if (!testable(entry)) continue;
      const report = this.reports.get(portfolioId);
      if (!report && !this.waiting.has(portfolioId)) this.waiting.set(portfolioId, nowMs);
      if (report && report.key === state.lease.key && nowMs - report.atMs <= againMs) continue;
      due.push({ entry, sinceMs: report?.atMs ?? this.waiting.get(portfolioId)! });
    }
    return due.sort((a, b) => a.sinceMs - b.sinceMs).map(({ entry }) => entry);
  }

  private async test(entry: LiveEntry): Promise<void> {
    const { portfolioId, state, lastDay } = entry;
    const started = performance.now();
    const all = portfolioReturns(state.lease.returns, state.exposures);
    const pnl = all.subarray(Math.max(0, all.length - judgedDays - forecastDays));
    const window = Math.min(forecastDays, pnl.length - minJudgedDays);
    const task = { kind: 'rolling_backtest', pnl: Float64Array.from(pnl), window, confidence } as const;
    const inputsHash = contentHash(task);
    const { hits } = await this.compute.background(task);
    if (!this.stands(entry)) return;
    const runtimeMs = performance.now() - started;
    const atMs = Date.now();
    this.reports.set(portfolioId, { key: state.lease.key, atMs, runtimeMs, inputsHash, hits, lastDay });
    this.waiting.delete(portfolioId);
    const exceptions = hits.reduce((sum, hit) => sum + hit, 0);
    this.metrics.histogram(riskBacktestSeconds, {}).observe(runtimeMs / 1000);
    const { pValue } = kupiecTest(hits.length, exceptions, tailProbability(confidence));
    this.series.show(portfolioId, { exceptions, pValue, atMs, lastDay });
  }

  private forget(portfolioId: string): void {
    this.reports.delete(portfolioId);
    this.waiting.delete(portfolioId);
    this.series.remove(portfolioId);
  }

  private short(): number {
    let count = 0;
    for (const entry of this.live.all()) if (!testable(entry)) count++;
    return count;
  }

  /** The oldest test, or the longest wait for a first one; `null` where there is neither. */
  private oldestSeconds(): number | null {
    let oldest = Number.POSITIVE_INFINITY;
    for (const { atMs } of this.reports.values()) oldest = Math.min(oldest, atMs);
    for (const sinceMs of this.waiting.values()) oldest = Math.min(oldest, sinceMs);
    return Number.isFinite(oldest) ? oldest / 1000 : null;
  }

  private whyNot(portfolioId: string): string {
    const refusal = this.live.refusal(portfolioId);
    if (refusal) return refusal.reason;
    const state = this.live.entry(portfolioId)?.state;
    if (state && state.observations < neededDays) {
      return `${state.observations} observations, at least ${neededDays} are needed (RISK_WINDOW_DAYS is ${this.config.get('RISK_WINDOW_DAYS')})`;
    }
    return 'not tested yet';
  }
}

/** Whether the history is long enough for a test, and there is something to test. */
const testable = ({ state }: LiveEntry): boolean =>
  state.observations >= neededDays && state.symbols.length > 0;
