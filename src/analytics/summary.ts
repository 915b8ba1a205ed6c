import { dataAgeMs } from '../domain/data-age.js';
import { periodsPerYear } from '../kernel/periods-per-year.js';
import { FIGURE, figureCount } from '../kernel/window-statistics.js';
import type { AnalyticsEngine } from './analytics-engine.js';
import { type FiguresBody, figuresBody, formulaVersion } from './figures-body.js';
import { isoTime } from './iso-time.js';
import type { PortfolioState } from './portfolio-state.js';
import { type PositionChanges, positionChangesOf } from './position-changes.js';

/** Fractions at which quantiles are given. */
const fractions = [0.01, 0.05, 0.5, 0.95, 0.99] as const;
/** A window shorter than this has no tails to speak of. */
const quantilesNeed = 20;

/** Body of `GET …/summary` and of `analytics.{portfolio}`. */
export interface Summary extends Omit<FiguresBody, 'window'> {
  readonly portfolio_id: string;
  /** Source time of the newest price in it, or of the newest value where what is held now has none; ISO 8601. */
  readonly as_of: string | null;
  /** Age of that price when the answer was made, ms. */
  readonly data_age_ms: number | null;
  readonly currency: string;
  /** Why `current_value` is `null`; `null` when it is not. */
  readonly reason: string | null;
  readonly window: FiguresBody['window'] & { from: string | null; to: string | null };
  /** Within `relative_error` of the exact quantile; `null` below 20 values. */
  readonly quantiles: Readonly<Record<'p01' | 'p05' | 'p50' | 'p95' | 'p99', number | null>> & {
    readonly relative_error: number;
  };
  /** Changes of positions among the values: the figures are not adjusted for them. */
  readonly position_changes: PositionChanges;
  readonly calculators: Readonly<Record<string, unknown>>;
  readonly formula_version: string;
}

const figures = new Float64Array(figureCount);
const quantiles = new Float64Array(fractions.length);

/** Reads the summary of a portfolio off its window. @param nowMs for `data_age_ms` */
export function summaryOf(
  engine: AnalyticsEngine,
  state: PortfolioState,
  calculators: Readonly<Record<string, unknown>>,
  nowMs: number,
): Summary {
  const { window, portfolio } = state;
  engine.budget.bring(window);
  const samplingPeriodMs = window.samplingPeriodMs();
  const perYear = periodsPerYear(samplingPeriodMs);
  window.readInto(figures, perYear > 0 ? perYear : 1);
  const body = figuresBody(figures, window.capacity, window.lambda, {
    periodsPerYear: perYear,
    samplingPeriodMs,
  });
  const { value, figuresAsOfMs: asOfMs } = state;
  const { size } = window;
  const ageMs = Number.isNaN(asOfMs) ? null : dataAgeMs(asOfMs, nowMs);
  if (ageMs === null) body.reasons.data_age_ms = { code: Number.isNaN(asOfMs) ? 'no_price' : 'future_price' };
  const valued = Number.isFinite(value);
  // The newest point and the value now differ after a change of positions: the value now is the answer.
  if (valued) delete body.reasons.current_value;
  if (size < quantilesNeed) body.reasons.quantiles = { code: 'warming_up', need: quantilesNeed, have: size };
  return {
    portfolio_id: portfolio.id,
    as_of: isoOf(asOfMs),
    data_age_ms: ageMs,
    currency: portfolio.currency,
    ...body,
    current_value: valued ? value : null,
    reason: valued ? null : engine.reasonNoValue(state),
    window: {
      ...body.window,
      from: size > 0 ? isoOf(window.timeAt(0)) : null,
      to: size > 0 ? isoOf(window.timeAt(size - 1)) : null,
    },
    quantiles: quantilesOf(state),
    position_changes: positionChangesOf(state),
    calculators,
    formula_version: formulaVersion,
  };
}

/** @param state of which `figures` were read */
function quantilesOf({ window }: PortfolioState): Summary['quantiles'] {
  const sketch = window.quantiles();
  sketch.quantilesInto(fractions, quantiles);
  const enough = sketch.count >= quantilesNeed;
  // The middle of a bucket may lie beyond the extremes, which are known exactly.
  const inside = (x: number): number => Math.min(Math.max(x, figures[FIGURE.min]!), figures[FIGURE.max]!);
  const at = (i: number): number | null => (enough ? inside(quantiles[i]!) : null);
  return { p01: at(0), p05: at(1), p50: at(2), p95: at(3), p99: at(4), relative_error: sketch.relativeError };
}

const isoOf = (ms: number): string | null => (Number.isNaN(ms) ? null : isoTime(ms));
