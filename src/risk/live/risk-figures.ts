import { dataAgeMs } from '../../domain/data-age.js';
import { isoDay } from '../history/align-closes.js';
import { modelVersion, tooFewPaths } from '../provenance.js';
import { type LiveTails, liveConfidences } from './live-portfolio.js';
import type { SimulatedTail } from './scenario-state.js';

/**
 * Everything that is known about the risk of one live portfolio at one moment; money in its currency, losses
 * positive.
 */
export interface RiskFigures {
  readonly portfolioId: string;
  readonly currency: string;
  readonly value: number;
  readonly grossExposure: number;
  /** Largest absolute exposure over the gross one, 0–1; 0 without positions. */
  readonly largestShare: number;
  readonly tails: LiveTails;
  readonly observations: number;
  /** Last day of the history, days since 1970-01-01; `null` without positions. */
  readonly lastDay: number | null;
  readonly paths: { readonly count: number; readonly seed: number } | null;
  /** Source time of the newest price, Unix ms. */
  readonly asOfMs: number | null;
  readonly computedAtMs: number;
}

const labels = liveConfidences.map((c) => String(Math.round(c * 100)));

/**
 * The figures by metric type: what is stored in `risk_metrics`, and what a limit's `limit_type` may name. `var` and
 * `expected_shortfall` are the headline: historical, 99 %, one day.
 */
export function metricsOf(figures: RiskFigures): Map<string, number> {
  const out = new Map<string, number>();
  const { historical, parametric, monteCarlo } = figures.tails;
  const headline = historical[labels.length - 1]!;
  out.set('var', headline.var);
  out.set('expected_shortfall', headline.expectedShortfall);
  if (figures.value !== 0) out.set('var_fraction', headline.var / Math.abs(figures.value));
  labels.forEach((label, i) => {
    out.set(`var_${label}`, historical[i]!.var);
    out.set(`expected_shortfall_${label}`, historical[i]!.expectedShortfall);
    out.set(`var_${label}_parametric`, parametric[i]!.var);
    out.set(`expected_shortfall_${label}_parametric`, parametric[i]!.expectedShortfall);
    if (!monteCarlo) return;
    out.set(`var_${label}_monte_carlo`, monteCarlo[i]!.var);
    out.set(`expected_shortfall_${label}_monte_carlo`, monteCarlo[i]!.expectedShortfall);
  });
  out.set('gross_exposure', figures.grossExposure);
  out.set('net_exposure', figures.value);
  out.set('concentration', figures.largestShare);
  return out;
}

/** Metric types that live figures can give. */
export const liveMetricTypes: ReadonlySet<string> = new Set([
  'var',
  'expected_shortfall',
  'var_fraction',
  'gross_exposure',
  'net_exposure',
  'concentration',
  ...labels.flatMap((label) =>
    ['', '_parametric', '_monte_carlo'].flatMap((method) => [
      `var_${label}${method}`,
      `expected_shortfall_${label}${method}`,
    ]),
  ),
]);

/** What `risk.{portfolio}` subscribers get. */
export function riskMessage(figures: RiskFigures): Record<string, unknown> {
  const { historical, parametric, monteCarlo } = figures.tails;
  const headline = historical[labels.length - 1]!;
  const byConfidence = (tails: LiveTails['historical']) =>
    Object.fromEntries(
      labels.map((label, i) => [
        label,
        { var: tails[i]!.var, expected_shortfall: tails[i]!.expectedShortfall },
      ]),
    );
  return {
    portfolio_id: figures.portfolioId,
    method: 'historical',
    confidence: liveConfidences[labels.length - 1],
    horizon_days: 1,
    quantile_type: 7,
    var: headline.var,
    expected_shortfall: headline.expectedShortfall,
    var_fraction: figures.value === 0 ? null : headline.var / Math.abs(figures.value),
    value: figures.value,
    currency: figures.currency,
    gross_exposure: figures.grossExposure,
    concentration: figures.largestShare,
    methods: {
      historical: byConfidence(historical),
      parametric: byConfidence(parametric),
      ...(monteCarlo
        ? {
            monte_carlo: {
              ...Object.fromEntries(labels.map((label, i) => [label, simulatedAnswer(monteCarlo[i]!)])),
              ...pathsOf(figures),
            },
          }
        : {}),
    },
    observations: figures.observations,
    history_last_day: figures.lastDay === null ? null : isoDay(figures.lastDay),
    as_of: figures.asOfMs === null ? null : new Date(figures.asOfMs).toISOString(),
    data_age_ms: figures.asOfMs === null ? null : dataAgeMs(figures.asOfMs, figures.computedAtMs),
    computed_at: new Date(figures.computedAtMs).toISOString(),
    model_version: modelVersion,
  };
}

/** How many paths a Monte Carlo figure rests on, and their seed. */
export const pathsOf = ({ paths }: RiskFigures) => (paths ? { paths: paths.count, seed: paths.seed } : {});

/** A Monte Carlo figure with its standard error, or why there is none. */
export const simulatedAnswer = (tail: SimulatedTail) => ({
  var: tail.var,
  expected_shortfall: tail.expectedShortfall,
  standard_error: tail.standardError,
  ...(tail.standardError === null ? { standard_error_reason: tooFewPaths } : {}),
});
