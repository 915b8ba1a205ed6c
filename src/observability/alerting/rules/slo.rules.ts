import { httpRequestSeconds } from '../../catalogue/http.js';
import { catalogue } from '../../catalogue/index.js';
import type { LatencyRow } from '../../latency-windows.js';
import { type MetricRef, type Signal, shareAbove, shareOf } from '../signal.js';
import type { Slo, Thresholds } from '../thresholds.js';
import type { DashboardUid } from './rule.js';

/** How the bad share of a service level is measured, and what its alert says. */
export interface SloRule {
  readonly slo: string;
  readonly alert: string;
  /** Share of bad events, over whatever window it is read. */
  readonly badShare: (slo: Slo) => Signal;
  readonly dashboard: DashboardUid;
  readonly summary: string;
  readonly description: string;
}

const measured = (row: LatencyRow): MetricRef =>
  catalogue.find((spec) => spec.window === row) ?? {
    name: `tidewatch_missing_${row}`,
    type: 'histogram',
    buckets: [1e9],
  };

export const sloRules: readonly SloRule[] = [
  {
    slo: 'api_availability',
    alert: 'ApiAvailabilityBudgetBurn',
    badShare: () => shareOf(httpRequestSeconds, { status: '5xx' }),
    dashboard: 'tidewatch-overview',
    summary: 'Server errors burn the error budget {factor} times too fast',
    description:
      '{value} of the requests of the last {long} were answered with a server error, and it still goes on ({short}).',
  },
  {
    slo: 'api_latency',
    alert: 'ApiLatencyBudgetBurn',
    badShare: ({ edgeSeconds }) => shareAbove(edgeSeconds ?? 0, httpRequestSeconds),
    dashboard: 'tidewatch-overview',
    summary: 'Slow answers burn the error budget {factor} times too fast',
    description:
      '{value} of the requests of the last {long} took longer than the target, and it still goes on ({short}).',
  },
  {
    slo: 'freshness',
    alert: 'FreshnessBudgetBurn',
    badShare: ({ edgeSeconds }) => shareAbove(edgeSeconds ?? 0, measured('analytics_update')),
    dashboard: 'tidewatch-pipeline',
    summary: 'Late analytics burn the error budget {factor} times too fast',
    description:
      '{value} of the updates of the last {long} were published later than the target, and it still goes on ({short}).',
  },
];

/** The bad share that is `factor` times what the objective allows. */
export const burnEdge = (slo: Slo, factor: number): number =>
  Number((factor * (1 - slo.objective)).toPrecision(12));

export function sloOf(rule: SloRule, thresholds: Thresholds): Slo {
  const slo = thresholds.slos.get(rule.slo);
  if (!slo) throw new Error(`rule ${rule.alert}: no service level is named "${rule.slo}"`);
  return slo;
}
