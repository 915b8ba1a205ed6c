import {
  FIGURE,
  type FigureName,
  type UndefinedReason,
  undefinedReason,
  valuesForAll,
} from '../kernel/window-statistics.js';

/** Bump when a definition changes: clients can tell which formulas gave a number. */
export const formulaVersion = '1';

/** Why a field is `null`. */
export type FieldReason =
  | UndefinedReason
  /** Values whose times do not advance cannot be annualised. */
  | { readonly code: 'no_sampling_period' }
  /** There is no price that could date it. */
  | { readonly code: 'no_price' }
  /** The newest price is from the future, further than clocks differ. */
  | { readonly code: 'future_price' };

/** The statistics of one window as clients get them. `null` where undefined; `reasons` says why, by field. */
export interface FiguresBody {
  readonly window: { size: number; capacity: number; ready: boolean; need: number; have: number };
  readonly current_value: number | null;
  readonly mean: number | null;
  readonly std: number | null;
  readonly std_sample: number | null;
  readonly min: number | null;
  readonly max: number | null;
  readonly trend: number | null;
  readonly volatility: number | null;
  readonly momentum: {
    momentum_1: number | null;
    momentum_5: number | null;
    momentum_10: number | null;
  };
  readonly ewma: { lambda: number; mean: number | null; volatility: number | null };
  readonly drawdown: {
    current: number | null;
    current_fraction: number | null;
    max: number | null;
    max_fraction: number | null;
  };
  readonly annualisation: { periods_per_year: number | null; sampling_period_ms: number | null };
  readonly reasons: Record<string, FieldReason>;
}

export interface Annualisation {
  /** NaN when unknown. */
  readonly periodsPerYear: number;
  /** NaN when unknown. */
  readonly samplingPeriodMs: number;
}

/** Field of each figure in the body. */
const fields: Readonly<Record<FigureName, string>> = {
  current: 'current_value',
  mean: 'mean',
  std: 'std',
  stdSample: 'std_sample',
  min: 'min',
  max: 'max',
  trend: 'trend',
  volatility: 'volatility',
  momentum1: 'momentum.momentum_1',
  momentum5: 'momentum.momentum_5',
  momentum10: 'momentum.momentum_10',
  ewmaMean: 'ewma.mean',
  ewmaVolatility: 'ewma.volatility',
  drawdown: 'drawdown.current',
  drawdownFraction: 'drawdown.current_fraction',
  maxDrawdown: 'drawdown.max',
  maxDrawdownFraction: 'drawdown.max_fraction',
};

/**
 * @param figures as `StreamWindow.readInto` wrote them with the same periods per year (1 where that is NaN)
 * @param capacity of the window
 */
export function figuresBody(
  figures: Float64Array,
  capacity: number,
  lambda: number,
  { periodsPerYear, samplingPeriodMs }: Annualisation,
): FiguresBody {
  const have = figures[FIGURE.count]!;
  const need = Math.min(valuesForAll, capacity);
  const reasons: Record<string, FieldReason> = {};
  const value = (name: FigureName): number | null => {
    const reason = undefinedReason(figures, name, capacity);
    if (reason === null) return figures[FIGURE[name]]!;
    reasons[fields[name]] = reason;
    return null;
  };
  const annual = (name: 'volatility' | 'ewmaVolatility'): number | null => {
    const x = value(name);
    if (x === null || periodsPerYear > 0) return x;
    reasons[fields[name]] = { code: 'no_sampling_period' };
    return null;
  };
  return {
    window: {
      size: have,
      capacity,
      ready: have >= need,
      need,
      have,
    },
    current_value: value('current'),
    mean: value('mean'),
    std: value('std'),
    std_sample: value('stdSample'),
    min: value('min'),
    max: value('max'),
    trend: value('trend'),
    volatility: annual('volatility'),
    momentum: {
      momentum_1: value('momentum1'),
      momentum_5: value('momentum5'),
      momentum_10: value('momentum10'),
    },
    ewma: { lambda, mean: value('ewmaMean'), volatility: annual('ewmaVolatility') },
    drawdown: {
      current: value('drawdown'),
      current_fraction: value('drawdownFraction'),
      max: value('maxDrawdown'),
      max_fraction: value('maxDrawdownFraction'),
    },
    annualisation: {
      periods_per_year: periodsPerYear > 0 ? periodsPerYear : null,
      sampling_period_ms: samplingPeriodMs > 0 ? samplingPeriodMs : null,
    },
    reasons,
  };
}
