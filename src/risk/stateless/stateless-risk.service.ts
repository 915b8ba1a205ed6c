import { Injectable } from '@nestjs/common';
import { simpleReturns } from '../../kernel/simple-returns.js';
import { panelOf } from '../compute/return-panel.js';
import { RiskCompute } from '../compute/risk-compute.js';
import { figuresAnswer, methodProvenance, provenance } from '../provenance.js';
import type { CovarianceRequest } from './covariance.dto.js';
import { holdingsOf } from './holdings.js';
import type { VarRequest } from './var.dto.js';

/** Below this many observations an estimate is given with a warning. */
const fewObservations = 30;
const repaired =
  'COVARIANCE_REPAIRED: the matrix is not positive semidefinite, so it is no covariance; the figures are those of the matrix with its negative eigenvalues set to 0 and its variances restored';

/** Risk of what the request itself describes; nothing is read, nothing is stored. */
@Injectable()
export class StatelessRiskService {
  constructor(private readonly compute: RiskCompute) {}

  async var(body: VarRequest, signal?: AbortSignal) {
    const nowMs = Date.now();
    const holdings = holdingsOf(body);
    const { panel, covariance, means, exposures, value } = holdings;
    const { method, confidence, horizon_days: horizonDays, options } = body;
    const computed = await this.compute.run(
      { kind: 'var', panel, covariance, means, exposures, method, confidence, horizonDays, options },
      { signal },
    );
    return {
      method,
      confidence,
      horizon_days: horizonDays,
      ...figuresAnswer(computed.result, value),
      portfolio_value: value,
      unit: body.positions === undefined && body.portfolio_value === 1 ? 'fraction of value' : 'money',
      observations: panel?.observations ?? null,
      ...(panel === null ? { observations_reason: 'a covariance was given' } : {}),
      ...methodProvenance(
        method,
        options,
        horizonDays,
        covariance === null ? 'history' : means === null ? 'covariance' : 'covariance_and_means',
      ),
      symbols: holdings.symbols,
      warnings: [
        ...warnings(panel?.observations ?? null, method, confidence),
        ...(computed.result.repair === 'clipped_eigenvalues' ? [repaired] : []),
      ],
      ...provenance({
        ...computed,
        asOfMs: asOf(body.as_of, nowMs),
        nowMs,
        defaulted: body.defaulted,
      }),
    };
  }

  async covariance(body: CovarianceRequest, signal?: AbortSignal) {
    const nowMs = Date.now();
    const { returns, prices } = body;
    const symbols = Object.keys((returns ?? prices)!);
    const panel = panelOf(symbols.map((s) => (returns ? returns[s]! : simpleReturns(prices![s]!))));
    const { estimator, ddof, lambda } = body;
    const computed = await this.compute.run(
      { kind: 'covariance', panel, estimator, ddof, lambda },
      { signal },
    );
    const { result } = computed;
    const rows = (data: Float64Array): (number | null)[][] =>
      symbols.map((_, i) =>
        Array.from(data.subarray(i * result.size, (i + 1) * result.size), (x) =>
          Number.isNaN(x) ? null : x,
        ),
      );
    return {
      method: estimator,
      estimator: estimator === 'ledoit_wolf' ? 'ledoit_wolf_2004_scaled_identity' : estimator,
      ...(estimator === 'sample' ? { ddof } : {}),
      ...(estimator === 'ledoit_wolf' ? { ddof: 0, shrinkage_intensity: result.shrinkage } : {}),
      ...(estimator === 'ewma' ? { lambda, mean: 'zero' } : {}),
      symbols,
      covariance: rows(result.covariance),
      correlation: rows(result.correlation),
      ...(result.correlation.some(Number.isNaN)
        ? { correlation_reason: 'a series without variance has no correlation' }
        : {}),
      condition_number: result.conditionNumber,
      ...(result.conditionNumber === null ? { condition_number_reason: 'the matrix is singular' } : {}),
      smallest_eigenvalue: result.smallestEigenvalue,
      largest_eigenvalue: result.largestEigenvalue,
      rank: result.rank,
      psd_repair: result.repair,
      horizon_days: 1,
      confidence: null,
      confidence_reason: 'a covariance has none',
      observations: panel.observations,
      warnings: warnings(panel.observations, null, null),
      ...provenance({
        ...computed,
        asOfMs: asOf(body.as_of, nowMs),
        nowMs,
        defaulted: body.defaulted,
      }),
    };
  }
}

/** When the inputs are from: what the request says, or the moment it came. */
export function asOf(given: string | number | undefined, nowMs: number): number {
  if (given === undefined) return nowMs;
  return typeof given === 'number' ? given : Date.parse(given);
}

function warnings(observations: number | null, method: string | null, confidence: number | null): string[] {
  const out: string[] = [];
  if (observations === null) return out;
  if (observations < fewObservations) {
    out.push(`SHORT_HISTORY: ${observations} observations, fewer than ${fewObservations}`);
  }
  if (method === 'historical' && confidence !== null && observations * (1 - confidence) < 1 - 1e-9) {
    out.push(
      `TAIL_NOT_RESOLVED: ${observations} observations hold less than one beyond ${confidence}; VaR is at most the worst of them`,
    );
  }
  return out;
}
