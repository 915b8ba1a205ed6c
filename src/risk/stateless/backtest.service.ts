import { Injectable } from '@nestjs/common';
import { baselTrafficLight } from '../../kernel/basel-traffic-light.js';
import { christoffersenTest } from '../../kernel/christoffersen-test.js';
import { conditionalCoverageTest } from '../../kernel/conditional-coverage-test.js';
import { kupiecTest } from '../../kernel/kupiec-test.js';
import type { LikelihoodRatioTest, UndefinedTest } from '../../kernel/likelihood-ratio.js';
import { tailProbability } from '../../kernel/tail-probability.js';
import { contentHash } from '../compute/content-hash.js';
import { provenance } from '../provenance.js';
import type { BacktestRequest } from './backtest.dto.js';
import { asOf } from './stateless-risk.service.js';

/** Level at which the tests reject. */
const significance = 0.05;

export interface Coverage {
  readonly hits: Uint8Array;
  readonly confidence: number;
}

/** The tests of a series of exceptions, as the API gives them. */
export function coverageAnswer({ hits, confidence }: Coverage) {
  const alpha = tailProbability(confidence);
  const indices = Array.from(hits.keys()).filter((t) => hits[t] === 1);
  const independence = christoffersenTest(hits);
  const light = baselTrafficLight(hits.length, indices.length, alpha);
  return {
    observations: hits.length,
    exceptions: indices.length,
    exception_rate: indices.length / hits.length,
    expected_exceptions: hits.length * alpha,
    exception_indices: indices,
    kupiec: testAnswer(kupiecTest(hits.length, indices.length, alpha)),
    christoffersen: { ...testAnswer(independence), transitions: independence.transitions },
    joint: testAnswer(conditionalCoverageTest(hits, alpha)),
    traffic_light: {
      zone: light.zone,
      cumulative_probability: light.cumulativeProbability,
      plus_factor: light.plusFactor,
      ...(light.plusFactor === null
        ? { plus_factor_reason: 'defined for 250 observations at 99 % only' }
        : {}),
    },
    significance,
  };
}

const testAnswer = (test: LikelihoodRatioTest | UndefinedTest) => ({
  statistic: test.statistic,
  p_value: test.pValue,
  degrees_of_freedom: test.degreesOfFreedom,
  reject: test.pValue === null ? null : test.pValue < significance,
  ...('reason' in test ? { reason: test.reason } : {}),
});

/** Backtest of forecasts against what happened. */
@Injectable()
export class BacktestService {
  test(body: BacktestRequest) {
    const nowMs = Date.now();
    const started = performance.now();
    const { defaulted, ...inputs } = body;
    const { returns, forecasts, confidence } = inputs;
    const hits = Uint8Array.from(returns, (r, t) =>
      -r > (typeof forecasts === 'number' ? forecasts : forecasts[t]!) ? 1 : 0,
    );
    return {
      method: 'backtest',
      confidence,
      horizon_days: 1,
      exception_rule: 'a loss greater than the forecast VaR',
      ...coverageAnswer({ hits, confidence }),
      ...provenance({
        inputsHash: contentHash(inputs),
        runtimeMs: performance.now() - started,
        cached: false,
        asOfMs: asOf(body.as_of, nowMs),
        nowMs,
        defaulted,
      }),
    };
  }
}
