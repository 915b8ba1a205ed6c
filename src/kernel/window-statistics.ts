/** Order of the figures in the array that `StreamWindow.readInto` fills. */
export const FIGURE = {
  count: 0,
  current: 1,
  mean: 2,
  std: 3,
  stdSample: 4,
  min: 5,
  max: 6,
  trend: 7,
  volatility: 8,
  momentum1: 9,
  momentum5: 10,
  momentum10: 11,
  ewmaMean: 12,
  ewmaVolatility: 13,
  drawdown: 14,
  drawdownFraction: 15,
  maxDrawdown: 16,
  maxDrawdownFraction: 17,
} as const;
export const figureCount = 18;

/** Name of a figure that can be undefined. */
export type FigureName = Exclude<keyof typeof FIGURE, 'count'>;

/** Values a figure needs before it is defined. */
export const needs: Readonly<Record<FigureName, number>> = {
  current: 1,
  mean: 1,
  std: 1,
  stdSample: 2,
  min: 1,
  max: 1,
  trend: 10,
  volatility: 20,
  momentum1: 2,
  momentum5: 6,
  momentum10: 11,
  ewmaMean: 1,
  ewmaVolatility: 2,
  drawdown: 1,
  drawdownFraction: 1,
  maxDrawdown: 1,
  maxDrawdownFraction: 1,
};

/** From this many values on every figure is defined (for a positive series). */
export const valuesForAll = 20;

/** Why a figure is `null`. */
export type UndefinedReason =
  /** Fewer values than the figure needs. */
  | { readonly code: 'warming_up'; readonly need: number; readonly have: number }
  /** Fewer values than the figure needs, and the window never holds more. */
  | { readonly code: 'window_too_short'; readonly need: number; readonly capacity: number }
  /** A return from a value that is 0, or, with values on both sides of 0, too close to it for the quotient. */
  | { readonly code: 'zero_value' }
  /** A drawdown as a fraction needs values above 0. */
  | { readonly code: 'not_positive' }
  /** The result, or a sum or square on the way to it, is beyond the range of a double. */
  | { readonly code: 'overflow' }
  /** The values differ by so little that squares of it are below the range of a double. */
  | { readonly code: 'underflow' };

/**
 * Statistics of one window, in the unit of its values unless said otherwise. `null` where undefined, with the
 * reason.
 */
export interface WindowStatistics {
  readonly count: number;
  readonly capacity: number;
  /** Whether the window holds the values that every figure needs, or as many as it ever will. */
  readonly ready: boolean;
  readonly need: number;
  readonly have: number;
  /** Newest value. */
  readonly current: number | null;
  readonly mean: number | null;
  /** Population standard deviation (divides by n). */
  readonly std: number | null;
  /** Sample standard deviation (divides by n − 1). */
  readonly stdSample: number | null;
  readonly min: number | null;
  readonly max: number | null;
  /** Least-squares slope over the index: units per value. */
  readonly trend: number | null;
  /** Population standard deviation of the newest 19 simple returns, times √(periods per year). A fraction. */
  readonly volatility: number | null;
  /** v[n] / v[n − p] − 1. Fractions. */
  readonly momentum1: number | null;
  readonly momentum5: number | null;
  readonly momentum10: number | null;
  /** Mean with weights 1, λ, λ² … from the newest value back to the oldest in the window. */
  readonly ewmaMean: number | null;
  /**
   * Root of the equally weighted squared simple returns (mean taken as 0), times √(periods per year). A fraction.
   */
  readonly ewmaVolatility: number | null;
  /** Highest value of the window − newest value. */
  readonly drawdown: number | null;
  /** The same as a fraction of the highest value. */
  readonly drawdownFraction: number | null;
  /** Largest fall from a value to a later one inside the window. */
  readonly maxDrawdown: number | null;
  readonly maxDrawdownFraction: number | null;
  readonly reasons: Readonly<Partial<Record<FigureName, UndefinedReason>>>;
}

/** Differences below this have squares that lose digits, and below 1e-162 all of them: a deviation of 0 would be wrong. */
const smallestSpread = 1e-140;

/** Every figure that can be undefined, for callers that walk over them. */
export const figureNames = Object.keys(needs) as readonly FigureName[];

/**
 * Turns the raw figures into an object: NaN and ±Infinity become `null` with a reason.
 * @param longest most values that there may be some time, if that is not the capacity
 */
export function describeFigures(
  figures: Float64Array,
  capacity: number,
  longest = capacity,
): WindowStatistics {
  const count = figures[FIGURE.count]!;
  const reasons: Partial<Record<FigureName, UndefinedReason>> = {};
  const value = (name: FigureName): number | null => {
    const reason = undefinedReason(figures, name, longest);
    if (reason === null) return figures[FIGURE[name]]!;
    reasons[name] = reason;
    return null;
  };
  return {
    count,
    capacity,
    ready: count >= Math.min(valuesForAll, longest),
    need: Math.min(valuesForAll, longest),
    have: count,
    current: value('current'),
    mean: value('mean'),
    std: value('std'),
    stdSample: value('stdSample'),
    min: value('min'),
    max: value('max'),
    trend: value('trend'),
    volatility: value('volatility'),
    momentum1: value('momentum1'),
    momentum5: value('momentum5'),
    momentum10: value('momentum10'),
    ewmaMean: value('ewmaMean'),
    ewmaVolatility: value('ewmaVolatility'),
    drawdown: value('drawdown'),
    drawdownFraction: value('drawdownFraction'),
    maxDrawdown: value('maxDrawdown'),
    maxDrawdownFraction: value('maxDrawdownFraction'),
    reasons,
  };
}

/** Why a raw figure of a window of at most `capacity` values is undefined; `null` when it is not. */
export function undefinedReason(
  figures: Float64Array,
  name: FigureName,
  capacity: number,
): UndefinedReason | null {
  const x = figures[FIGURE[name]]!;
  const isDeviation = name === 'std' || name === 'stdSample';
  // x − x is 0 for every finite number, NaN otherwise.
  if (!isDeviation && x - x === 0) return null;
  const need = needs[name];
  const have = figures[FIGURE.count]!;
  if (need > capacity) return { code: 'window_too_short', need, capacity };
  if (have < need) return { code: 'warming_up', need, have };
  if (isDeviation) {
    const spread = figures[FIGURE.max]! - figures[FIGURE.min]!;
    if (spread > 0 && spread < smallestSpread) return { code: 'underflow' };
    return x - x === 0 ? null : { code: 'overflow' };
  }
  switch (name) {
    case 'drawdownFraction':
    case 'maxDrawdownFraction':
      return { code: 'not_positive' };
    case 'momentum1':
    case 'momentum5':
    case 'momentum10':
    case 'volatility':
    case 'ewmaVolatility':
      return {
        code: returnsOverflow(figures[FIGURE.min]!, figures[FIGURE.max]!) ? 'overflow' : 'zero_value',
      };
    default:
      return { code: 'overflow' };
  }
}

/** Where all values are above 0, or all below it, no divisor was 0: a difference, its quotient or a square is out of range. */
const returnsOverflow = (min: number, max: number): boolean =>
  min > 0 || max < 0 || max - min === Number.POSITIVE_INFINITY;
