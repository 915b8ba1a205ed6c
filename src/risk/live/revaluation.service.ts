import { Injectable } from '@nestjs/common';
import { PortfolioBook } from '../../analytics/portfolio-book.js';
import type { Tail } from '../../kernel/empirical-tail.js';
import { Lifecycle } from '../../lifecycle/lifecycle.js';
import { riskRevaluationDifference, riskRevaluations } from '../../observability/catalogue/risk.js';
import { type CounterHandle, Metrics } from '../../observability/metrics.js';
import { portfolioExposures } from '../portfolio/portfolio-exposures.js';
import type { LiveTails } from './live-portfolio.js';
import { LiveRiskService } from './live-risk.service.js';
import { RollingMax } from './rolling-max.js';

/** A step of the round is taken this often … */
const everyMs = 200;
/** … and a round over every portfolio begins this long after the last one began, at the earliest. */
const roundMs = 5_000;
/** Multiplications of one step that the event loop may bear; larger portfolios take several steps. */
const stepOperations = 400_000;
/**
 * Below this share of the gross exposure a VaR is a hedge's rounding: differences are then relative to the share.
 */
const hedgedShare = 1e-6;

/**
 * Proof of the incremental figures: one portfolio after the other is valued from nothing but its positions, prices,
 * rates and returns, by other formulas where there are any (the deviation of the P&L instead of √e′Σe), and the
 * largest relative difference is a metric.
 */
@Injectable()
export class RevaluationService {
  private readonly revaluations: CounterHandle;
  private readonly worst = new RollingMax(300_000);
  private round: string[] = [];
  private roundBeganMs = 0;

  constructor(
    private readonly live: LiveRiskService,
    private readonly book: PortfolioBook,
    lifecycle: Lifecycle,
    metrics: Metrics,
  ) {
    this.revaluations = metrics.counter(riskRevaluations, {});
    metrics.gaugeFrom(riskRevaluationDifference, {}, () => this.worst.read(Date.now()));
    const timer = setInterval(() => this.next(), everyMs).unref();
    lifecycle.onShutdown('stop-intake', 'revaluation', () => clearInterval(timer));
  }

  /** @returns largest relative difference of any figure of the portfolio, or `null` when it has none */
  revalue(portfolioId: string): number | null {
    const figures = this.live.update(portfolioId);
    const entry = this.live.entry(portfolioId);
    const truth = portfolioExposures(this.book, portfolioId);
    if (!figures || !entry || !truth?.known) return null;
    const exposures = new Float64Array(entry.state.symbols.length);
    truth.known.symbols.forEach((symbol, i) => {
      exposures[entry.state.indexOf(symbol)!] = truth.known.exposures[i]!;
    });
    const floor = hedgedShare * figures.grossExposure;
    const difference = largestDifference(figures.tails, entry.state.revalued(exposures), floor);
    this.revaluations.inc();
    this.worst.add(Date.now(), difference);
    return difference;
  }

  private next(): void {
    let left = stepOperations;
    while (left > 0) {
      const id = this.round.pop();
      if (id === undefined) {
        if (Date.now() - this.roundBeganMs < roundMs) return;
        this.roundBeganMs = Date.now();
        this.round = [...this.live.all()].map((e) => e.portfolioId);
        return;
      }
      const state = this.live.entry(id)?.state;
      if (!state) continue;
      left -= state.symbols.length * (state.observations + (state.paths?.sums.pnl.length ?? 0)) + 1_000;
      this.revalue(id);
    }
  }
}

function largestDifference(live: LiveTails, full: LiveTails, floor: number): number {
  const pairs: [readonly Tail[] | null, readonly Tail[] | null][] = [
    [live.historical, full.historical],
    [live.parametric, full.parametric],
    [live.monteCarlo, full.monteCarlo],
  ];
  let worst = 0;
  for (const [a, b] of pairs) {
    b?.forEach((tail, i) => {
      for (const key of ['var', 'expectedShortfall'] as const) {
        const scale = Math.max(Math.abs(tail[key]), floor, Number.MIN_VALUE);
        worst = Math.max(worst, Math.abs((a?.[i]?.[key] ?? Number.POSITIVE_INFINITY) - tail[key]) / scale);
      }
    });
  }
  return worst;
}
