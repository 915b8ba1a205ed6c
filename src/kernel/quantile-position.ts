/** Hyndman and Fan's numbering; 7 is the default of R, numpy and Excel. */
export type QuantileType = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9;

/** The quantile is (1 − weight) · x[lower] + weight · x[upper] over the sorted values, indices from 0. */
export interface QuantilePosition {
  readonly lower: number;
  readonly upper: number;
  readonly weight: number;
}

/**
 * Which order statistics make the p-quantile of n values, by the nine definitions of Hyndman and Fan, "Sample
 * Quantiles in Statistical Packages", The American Statistician 50 (1996). Products n·p within four units of
 * rounding of an integer count as that integer (as R does), so p = 0.1 and n = 10 never miss it.
 *
 * @throws RangeError when n < 1 or p is outside [0, 1]
 */
export function quantilePosition(n: number, p: number, type: QuantileType = 7): QuantilePosition {
  if (!(n >= 1)) throw new RangeError('quantile: needs at least 1 value, has 0');
  if (!(p >= 0 && p <= 1)) throw new RangeError(`quantile: probability ${p} is not in [0, 1]`);
  const clamp = (rank: number): number => Math.min(Math.max(rank, 1), n) - 1;
  if (type <= 3) {
    const exact = type === 3 ? n * p - 0.5 : n * p;
    const fuzz = 4 * Number.EPSILON * Math.max(1, Math.abs(exact));
    const j = Math.floor(exact + fuzz);
    const onStep = exact - j <= fuzz;
    let weight = onStep ? 0 : 1;
    if (onStep && type === 2) weight = 0.5;
    if (onStep && type === 3) weight = j % 2 === 0 ? 0 : 1;
    return { lower: clamp(j), upper: clamp(j + 1), weight };
  }
  const [a, b] = plottingPosition[type]!;
  const exact = a + p * (n + 1 - a - b);
  const fuzz = 4 * Number.EPSILON * Math.max(1, Math.abs(exact));
  const j = Math.floor(exact + fuzz);
  const rest = exact - j;
  return { lower: clamp(j), upper: clamp(j + 1), weight: Math.abs(rest) <= fuzz ? 0 : rest };
}

/** Plotting positions (a, b) of the continuous types. */
const plottingPosition: Readonly<Record<number, readonly [number, number]>> = {
  4: [0, 1],
  5: [0.5, 0.5],
  6: [0, 0],
  7: [1, 1],
  8: [1 / 3, 1 / 3],
  9: [3 / 8, 3 / 8],
};
