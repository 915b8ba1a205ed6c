import { Injectable } from '@nestjs/common';
import { PortfolioBook } from '../../analytics/portfolio-book.js';
import { notFound } from '../../domain/problem.js';
import { simpleReturns } from '../../kernel/simple-returns.js';
import { panelOf } from '../compute/return-panel.js';
import { RiskCompute } from '../compute/risk-compute.js';
import { type AlignedCloses, gapRule, isoDay } from '../history/align-closes.js';
import { HistoryService } from '../history/history.service.js';
import { figuresAnswer, fractionReason, methodProvenance, provenance, tooFewPaths } from '../provenance.js';
import { refused } from '../refusal.js';
import { type PortfolioExposures, portfolioExposures } from './portfolio-exposures.js';
import type { VarQuery } from './portfolio-risk.dto.js';

/** What every figure of a portfolio rests on. */
interface Basis {
  readonly known: PortfolioExposures;
  readonly aligned: AlignedCloses;
}

/** Risk of a stored portfolio: its positions at the latest prices, over the history of its symbols. */
@Injectable()
export class PortfolioRiskService {
  constructor(
    private readonly book: PortfolioBook,
    private readonly history: HistoryService,
    private readonly compute: RiskCompute,
  ) {}

  /** @throws Problem 404, or 422 `MISSING_PRICE`, `MISSING_HISTORY`, `SHORT_HISTORY` with the reason */
  async var(portfolioId: string, query: VarQuery, signal?: AbortSignal) {
    const basis = await this.basis(portfolioId, query.windowDays);
    if (basis.known.symbols.length === 0) return this.nothingHeld(basis, query);
    const { method, confidence, horizonDays, options } = query;
    const computed = await this.compute.run(
      { ...taskOf(basis), kind: 'var', method, confidence, horizonDays, options },
      { signal },
    );
    return {
      portfolio_id: portfolioId,
      method,
      confidence,
      horizon_days: horizonDays,
      ...figuresAnswer(computed.result, basis.known.value),
      ...this.about(basis),
      ...methodProvenance(method, options, horizonDays),
      ...provenance({
        ...computed,
        asOfMs: basis.known.asOfMs,
        nowMs: Date.now(),
        defaulted: query.defaulted,
      }),
    };
  }

  async components(portfolioId: string, query: VarQuery, signal?: AbortSignal) {
    const basis = await this.basis(portfolioId, query.windowDays);
    const { known } = basis;
    if (known.symbols.length === 0) return { ...this.nothingHeld(basis, query), components: [] };
    const { method, confidence, horizonDays, options } = query;
    const computed = await this.compute.run(
      { ...taskOf(basis), kind: 'components', method, confidence, horizonDays, options },
      { signal },
    );
    const { total, marginal, component, incremental, standardError } = computed.result;
    return {
      portfolio_id: portfolioId,
      method,
      confidence,
      horizon_days: horizonDays,
      var: total,
      var_fraction: known.value === 0 ? null : total / Math.abs(known.value),
      ...(known.value === 0 ? { fraction_reason: fractionReason(0) } : {}),
      ...(total === 0 ? { share_reason: 'there is no VaR to have a share of' } : {}),
      ...(method === 'monte_carlo' ? { standard_error: standardError } : {}),
      ...(method === 'monte_carlo' && standardError === null ? { standard_error_reason: tooFewPaths } : {}),
      sum_of_components: component.reduce((a, b) => a + b, 0),
      components: known.symbols
        .map((symbol, i) => ({
          symbol,
          quantity: known.quantities[i]!,
          market_value: known.exposures[i]!,
          weight: known.value === 0 ? null : known.exposures[i]! / known.value,
          /** Change of VaR per unit of currency put into the position. */
          marginal_var: marginal[i]!,
          component_var: component[i]!,
          component_share: total === 0 ? null : component[i]! / total,
          /** VaR minus the VaR of the portfolio without the position. */
          incremental_var: incremental[i]!,
        }))
        .sort((a, b) => b.component_var - a.component_var),
      ...this.about(basis),
      ...methodProvenance(method, options, horizonDays),
      ...provenance({
        ...computed,
        asOfMs: known.asOfMs,
        nowMs: Date.now(),
        defaulted: query.defaulted,
      }),
    };
  }

  /** Exposures and history, or why there are none. @throws Problem 404, 422 */
  async basis(portfolioId: string, windowDays?: number): Promise<Basis> {
    const result = portfolioExposures(this.book, portfolioId);
    if (result === undefined) throw notFound('portfolio', portfolioId);
    if (!result.known) throw refused(result.refusal);
    const { known } = result;
    if (known.symbols.length === 0) return { known, aligned: noHistory };
    const read = await this.history.aligned(known.symbols, windowDays);
    if (!read.aligned) throw refused(read.refusal);
    return { known, aligned: read.aligned };
  }

  private about({ known, aligned }: Basis) {
    return {
      value: known.value,
      currency: known.portfolio.currency,
      observations: Math.max(0, aligned.days.length - 1),
      history: {
        first_day: aligned.days.length === 0 ? null : isoDay(aligned.days[0]!),
        last_day: aligned.days.length === 0 ? null : isoDay(aligned.days[aligned.days.length - 1]!),
        days_left_out: aligned.droppedDays,
        longest_gap_days: aligned.longestGapDays,
        gap_rule: gapRule,
        returns: 'simple, of adjusted daily closes',
      },
      weights: 'quantity × latest price × FX rate',
      oldest_price_at: known.oldestMs === null ? null : new Date(known.oldestMs).toISOString(),
      ...(known.foreign.length === 0
        ? {}
        : {
            fx: `exposures are converted at today's rates; returns are those in the quote currency, so the risk of the rates of ${known.foreign.join(', ')} is not included`,
          }),
    };
  }

  /** No positions: nothing can be lost, and that is known without a history. */
  private nothingHeld(basis: Basis, { method, confidence, horizonDays, options, defaulted }: VarQuery) {
    const zero = {
      var: 0,
      expectedShortfall: 0,
      mean: null,
      standardDeviation: null,
      standardError: null,
      simulated: false,
      repair: null,
      shrinkage: null,
      skewness: null,
      excessKurtosis: null,
      degreesOfFreedom: null,
      valid: true,
      reason: 'the portfolio holds nothing',
    };
    return {
      portfolio_id: basis.known.portfolio.id,
      method,
      confidence,
      horizon_days: horizonDays,
      ...figuresAnswer(zero, null),
      ...this.about(basis),
      ...methodProvenance(method, options, horizonDays),
      ...provenance({
        inputsHash: '',
        runtimeMs: 0,
        cached: false,
        asOfMs: null,
        nowMs: Date.now(),
        defaulted,
      }),
      inputs_hash: null,
      inputs_hash_reason: 'nothing was calculated',
    };
  }
}

const noHistory: AlignedCloses = {
  symbols: [],
  days: new Int32Array(0),
  closes: [],
  droppedDays: 0,
  longestGapDays: 0,
};

const taskOf = ({ known, aligned }: Basis) => ({
  panel: panelOf(aligned.closes.map((c) => simpleReturns(c))),
  covariance: null,
  means: null,
  exposures: known.exposures,
});
