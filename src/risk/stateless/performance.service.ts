import { Injectable } from '@nestjs/common';
import { annualisedReturn } from '../../kernel/annualised-return.js';
import { calmarRatio } from '../../kernel/calmar-ratio.js';
import { informationRatio } from '../../kernel/information-ratio.js';
import { marketModel } from '../../kernel/market-model.js';
import { maxDrawdown } from '../../kernel/max-drawdown.js';
import { excessReturns, sharpeRatio } from '../../kernel/sharpe-ratio.js';
import { simpleReturns } from '../../kernel/simple-returns.js';
import { downsideDeviation, sortinoRatio } from '../../kernel/sortino-ratio.js';
import { standardDeviation } from '../../kernel/standard-deviation.js';
import { trackingError } from '../../kernel/tracking-error.js';
import { wealthIndex } from '../../kernel/wealth-index.js';
import { contentHash } from '../compute/content-hash.js';
import { provenance } from '../provenance.js';
import type { PerformanceRequest } from './performance.dto.js';
import { asOf } from './stateless-risk.service.js';

const definitions = {
  drawdown:
    'fall of wealth from its running maximum, as a fraction of it; indices count wealth from 0, the start',
  annual_return: 'geometric: Π(1 + r)^(periods / n) − 1',
  volatility: 'sample standard deviation × √periods',
  sharpe: 'mean(r − f) / sd(r − f) × √periods, sample standard deviation',
  sortino: '(mean(r) − target) / √(Σ min(r − target, 0)² / n) × √periods',
  calmar: 'annual return / maximum drawdown of the whole series',
  beta: 'cov(r − f, b − f) / var(b − f)',
  alpha: "Jensen's: mean(r − f) − beta × mean(b − f), per period; annualised × periods",
  tracking_error: 'sd(r − b) × √periods, sample standard deviation',
  information_ratio: '(annual return − annual return of the benchmark) / tracking error',
};

/** Performance of one series of returns or prices. */
@Injectable()
export class PerformanceService {
  measure(body: PerformanceRequest) {
    const nowMs = Date.now();
    const started = performance.now();
    const returns = body.returns ?? simpleReturns(body.prices!);
    const { risk_free: riskFree, target, periods_per_year: periods } = body;
    const drawdown = maxDrawdown(body.prices ?? wealthIndex(returns));
    const ratio = (value: number | null, reason: string) => (value === null ? { value, reason } : { value });
    const measures = {
      periods_per_year: periods,
      annual_return: annualisedReturn(returns, periods),
      volatility: standardDeviation(returns) * Math.sqrt(periods),
      downside_deviation: downsideDeviation(returns, target),
      drawdown: {
        depth: drawdown.depth,
        peak: drawdown.peak,
        trough: drawdown.trough,
        recovery: drawdown.recovery,
        ...(drawdown.recovery === null ? { reason: 'not recovered within the series' } : {}),
      },
      sharpe: ratio(sharpeRatio(returns, riskFree, periods), 'the excess returns have no variance'),
      sortino: ratio(sortinoRatio(returns, target, periods), 'no return lies below the target'),
      calmar: ratio(calmarRatio(returns, periods), 'there was no drawdown'),
      ...this.relative(body, returns),
    };
    const flat = (m: { value: number | null }): number | null => m.value;
    return {
      method: 'performance',
      confidence: null,
      horizon_days: null,
      ...measures,
      sharpe: flat(measures.sharpe),
      sortino: flat(measures.sortino),
      calmar: flat(measures.calmar),
      undefined_reasons: reasons(measures),
      definitions,
      observations: returns.length,
      ...provenance({
        inputsHash: contentHash(body),
        runtimeMs: performance.now() - started,
        cached: false,
        asOfMs: asOf(body.as_of, nowMs),
        nowMs,
      }),
    };
  }

  private relative(body: PerformanceRequest, returns: ArrayLike<number>) {
    const benchmark =
      body.benchmark_returns ?? (body.benchmark_prices ? simpleReturns(body.benchmark_prices) : undefined);
    if (benchmark === undefined) {
      const none = {
        beta: null,
        alpha: null,
        alpha_annualised: null,
        tracking_error: null,
        information_ratio: null,
      };
      return { ...none, benchmark_reason: 'no benchmark was given' };
    }
    const periods = body.periods_per_year;
    const { beta, alpha } = marketModel(
      excessReturns(returns, body.risk_free),
      excessReturns(benchmark, body.risk_free),
    );
    const information = informationRatio(returns, benchmark, periods);
    return {
      beta,
      alpha,
      alpha_annualised: alpha === null ? null : alpha * periods,
      tracking_error: trackingError(returns, benchmark, periods),
      information_ratio: information,
      ...(beta === null ? { benchmark_reason: 'the benchmark has no variance' } : {}),
      ...(information === null ? { information_ratio_reason: 'the tracking error is 0' } : {}),
    };
  }
}

function reasons(measures: object): Record<string, string> {
  return Object.fromEntries(
    Object.entries(measures).flatMap(([name, m]) =>
      typeof m === 'object' && m !== null && 'value' in m && 'reason' in m ? [[name, String(m.reason)]] : [],
    ),
  );
}
