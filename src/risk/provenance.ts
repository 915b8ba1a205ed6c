import { dataAgeMs } from '../domain/data-age.js';
import { sobolReplicates } from '../kernel/sobol-normals.js';
import { defaultDegreesOfFreedom, type VarMethod, type VarOptions } from './compute/var-options.js';
import type { VarFigures } from './compute/var-task.js';

/** Changes with any change of a formula or an estimator's default: a stored figure can be told from a newer one. */
export const modelVersion = '1.2.0';

/** How a one-day figure becomes one of h days, by method. */
const horizonRules: Readonly<Record<VarMethod, string>> = {
  historical: 'one-day figure times √h',
  parametric: 'mean times h, standard deviation times √h (independent days)',
  ewma: 'standard deviation times √h, mean 0 (RiskMetrics)',
  cornish_fisher:
    'mean times h, standard deviation times √h, skewness over √h, excess kurtosis over h (independent days)',
  student_t: 'mean times h, scale times √h (a convention: a sum of t variables is not exactly t)',
  monte_carlo: 'paths drawn over h days: mean times h, covariance times h',
};

/** What the moments come from; a covariance may come with means, or stand for means of 0. */
export type MomentSource = 'history' | 'covariance' | 'covariance_and_means';

/** The parameters of a method that shaped its figures; those it does not use are left out. */
export function methodProvenance(
  method: VarMethod,
  options: VarOptions,
  horizonDays: number,
  source: MomentSource = 'history',
) {
  return {
    ...estimatorOf(method, options, source),
    ...(horizonDays > 1 ? { horizon_scaling: horizonRules[method] } : {}),
  };
}

function estimatorOf(method: VarMethod, o: VarOptions, source: MomentSource): Record<string, unknown> {
  const empirical = { quantile_type: o.quantileType, expected_shortfall_estimator: o.shortfall };
  switch (method) {
    case 'historical':
      return empirical;
    case 'ewma':
      return source === 'history'
        ? { estimator: 'ewma_zero_mean', lambda: o.lambda, mean: 'zero' }
        : { estimator: 'given_covariance', mean: 'zero' };
    case 'parametric':
      return momentsOf(o, source);
    case 'cornish_fisher':
      return {
        estimator: 'sample_moments',
        ddof: o.ddof,
        mean: o.mean,
        expected_shortfall_estimator: 'mean of the Cornish-Fisher quantile function over the tail',
      };
    case 'student_t':
      return {
        ...momentsOf(o, source),
        degrees_of_freedom: o.df ?? defaultDegreesOfFreedom,
        degrees_of_freedom_source: o.df === null ? 'default' : 'given',
      };
    case 'monte_carlo':
      return {
        ...momentsOf(o, source),
        distribution: o.df === null ? 'normal' : 'student_t',
        ...(o.df === null ? {} : { degrees_of_freedom: o.df }),
        sampling: o.sampling,
        ...(o.sampling === 'sobol'
          ? { sampling_rule: sobolRule, replicates: sobolReplicates }
          : { antithetic: o.antithetic }),
        seed: o.seed,
        paths: o.paths,
        ...empirical,
      };
  }
}

const sobolRule =
  'Sobol points (direction numbers of Joe and Kuo 2008), each replicate with a random linear scrambling and digital shift of its own; the standard error comes from the spread of the replicates';

function momentsOf(o: VarOptions, source: MomentSource): Record<string, unknown> {
  if (source === 'covariance') return { estimator: 'given_covariance', mean: 'zero' };
  if (source === 'covariance_and_means') {
    return { estimator: 'given_covariance', mean: o.mean === 'zero' ? 'zero' : 'given' };
  }
  return o.shrinkage === 'ledoit_wolf'
    ? { estimator: 'ledoit_wolf_2004_scaled_identity', ddof: 0, mean: o.mean }
    : { estimator: 'sample', ddof: o.ddof, mean: o.mean };
}

/**
 * Figures as the API gives them: money, and a fraction of value where there is one.
 *
 * @param value of the portfolio in the unit of the figures; `null` or 0 leaves the fractions undefined
 */
export function figuresAnswer(figures: VarFigures, value: number | null) {
  const share = (x: number): number => x / Math.abs(value ?? 0);
  const known = [figures.var, figures.expectedShortfall].every((x) => Number.isFinite(share(x)));
  const fraction = (x: number): number | null => (known ? share(x) : null);
  return {
    var: figures.var,
    expected_shortfall: figures.expectedShortfall,
    var_fraction: fraction(figures.var),
    expected_shortfall_fraction: fraction(figures.expectedShortfall),
    ...(known ? {} : { fraction_reason: fractionReason(value) }),
    ...(figures.standardError === null
      ? {}
      : { standard_error: figures.standardError, standard_error_fraction: fraction(figures.standardError) }),
    ...(figures.simulated && figures.standardError === null
      ? { standard_error: null, standard_error_reason: tooFewPaths }
      : {}),
    ...(figures.mean === null ? {} : { mean_pnl: figures.mean }),
    ...(figures.standardDeviation === null ? {} : { volatility: figures.standardDeviation }),
    ...(figures.skewness === null ? {} : { skewness: figures.skewness }),
    ...(figures.excessKurtosis === null ? {} : { excess_kurtosis: figures.excessKurtosis }),
    ...(figures.shrinkage === null ? {} : { shrinkage_intensity: figures.shrinkage }),
    ...(figures.repair === null ? {} : { psd_repair: figures.repair }),
    valid: figures.valid,
    ...(figures.reason === null ? {} : { reason: figures.reason }),
  };
}

/** Why a simulated figure has no standard error. */
export const tooFewPaths = 'too few paths lie beyond the quantile';

/** Why a figure is no fraction of the value. */
export const fractionReason = (value: number | null): string =>
  value ? 'the fraction is beyond the range of numbers' : 'the portfolio has a value of 0';

/** Age and origin of an answer. */
export function provenance(of: {
  readonly inputsHash: string;
  readonly runtimeMs: number;
  readonly cached: boolean;
  readonly asOfMs: number | null;
  readonly nowMs: number;
  /** Parameters that the request left to us. */
  readonly defaulted?: readonly string[];
}) {
  return {
    as_of: of.asOfMs === null ? null : new Date(of.asOfMs).toISOString(),
    data_age_ms: of.asOfMs === null ? null : dataAgeMs(of.asOfMs, of.nowMs),
    inputs_hash: of.inputsHash,
    model_version: modelVersion,
    runtime_ms: of.runtimeMs,
    cached: of.cached,
    ...(of.defaulted === undefined ? {} : { defaulted: of.defaulted }),
  };
}
