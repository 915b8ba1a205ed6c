import { Injectable } from '@nestjs/common';
import { annualisedReturn } from '../../kernel/annualised-return.js';
import { informationRatio } from '../../kernel/information-ratio.js';
import { marketModel } from '../../kernel/market-model.js';
import { type Drawdown, maxDrawdown } from '../../kernel/max-drawdown.js';
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

const beyondRange = 'the result is beyond the range of numbers';
const wealthBeyondRange = 'the wealth that these returns compound to is beyond the range of numbers';
const noBenchmark = 'no benchmark was given';

/** Measures by name; those that are undefined are `null` here and have their reason beside them. */
class Measures {
  readonly values: Record<string, number | null> = {};
  readonly reasons: Record<string, string> = {};

  /** @param value `null`: undefined for the reason given; an overflow has its own */
  add(name: string, value: number | null, reason = beyondRange): void {
    const defined = value !== null && Number.isFinite(value);
    this.values[name] = defined ? value : null;
    if (!defined) this.reasons[name] = value === null ? reason : beyondRange;
  }
}

/** Performance of one series of returns or prices. */
@Injectable()
export class PerformanceService {
  measure(body: PerformanceRequest) {
    const nowMs = Date.now();
    const started = performance.now();
    const { defaulted, ...inputs } = body;
    const returns = inputs.returns ?? simpleReturns(inputs.prices!);
    const { risk_free: riskFree, target, periods_per_year: periods } = inputs;
    const measures = new Measures();
    const drawdown = drawdownOf(inputs.prices ?? wealthIndex(returns));
    const annual = annualisedReturn(returns, periods);
    measures.add('annual_return', annual);
    measures.add('volatility', standardDeviation(returns) * Math.sqrt(periods));
    measures.add('downside_deviation', downsideDeviation(returns, target));
    measures.add('sharpe', sharpeRatio(returns, riskFree, periods), 'the excess returns have no variance');
    measures.add('sortino', sortinoRatio(returns, target, periods), 'no return lies below the target');
    if (drawdown === null) measures.add('calmar', null, wealthBeyondRange);
    else
      measures.add('calmar', drawdown.depth === 0 ? null : annual / drawdown.depth, 'there was no drawdown');
    this.relative(measures, inputs, returns);
    return {
      method: 'performance',
      confidence: null,
      horizon_days: null,
      confidence_reason: 'measures of the whole series have neither confidence nor horizon',
      periods_per_year: periods,
      ...measures.values,
      drawdown:
        drawdown === null
          ? { depth: null, peak: null, trough: null, recovery: null, reason: wealthBeyondRange }
          : {
              ...drawdown,
              ...(drawdown.recovery === null ? { reason: 'not recovered within the series' } : {}),
            },
      undefined_reasons: measures.reasons,
      definitions,
      observations: returns.length,
      ...provenance({
        inputsHash: contentHash(inputs),
        runtimeMs: performance.now() - started,
        cached: false,
        asOfMs: asOf(inputs.as_of, nowMs),
        nowMs,
        defaulted,
      }),
    };
  }

  private relative(
    measures: Measures,
    body: Omit<PerformanceRequest, 'defaulted'>,
    returns: ArrayLike<number>,
  ): void {
    const benchmark =
      body.benchmark_returns ?? (body.benchmark_prices ? simpleReturns(body.benchmark_prices) : undefined);
    if (benchmark === undefined) {
      for (const name of ['beta', 'alpha', 'alpha_annualised', 'tracking_error', 'information_ratio']) {
        measures.add(name, null, noBenchmark);
      }
      return;
    }
    const periods = body.periods_per_year;
    const { beta, alpha } = marketModel(
      excessReturns(returns, body.risk_free),
      excessReturns(benchmark, body.risk_free),
    );
    const constant = 'the benchmark has no variance';
    measures.add('beta', beta, constant);
    measures.add('alpha', alpha, constant);
    measures.add('alpha_annualised', alpha === null ? null : alpha * periods, constant);
    measures.add('tracking_error', trackingError(returns, benchmark, periods));
    measures.add(
      'information_ratio',
      informationRatio(returns, benchmark, periods),
      'the tracking error is 0',
    );
  }
}

/** `null` where wealth has left the range of numbers, to either side. */
function drawdownOf(values: ArrayLike<number>): Drawdown | null {
  const last = values[values.length - 1]!;
  return last > 0 && last < Infinity ? maxDrawdown(values) : null;
}
