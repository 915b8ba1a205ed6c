import { CompensatedSum } from './compensated-sum.js';
import { defaultLambda, ewmaWeights } from './ewma-weights.js';
import { requireFinite } from './require-finite.js';
import { describeFigures, FIGURE, figureCount, needs, type WindowStatistics } from './window-statistics.js';

export interface BatchStatisticsOptions {
  /** Statistics of the newest `capacity` values; all of them by default. */
  readonly capacity?: number;
  readonly lambda?: number;
  /** Factor under the root of the volatilities; 1 (the default) leaves them per period. */
  readonly periodsPerYear?: number;
}

/**
 * The statistics of {@link StreamWindow}, recomputed from the values by their textbook definitions: two passes,
 * compensated sums, nothing shared with the streaming code. It is what the stream is checked against.
 *
 * @param values oldest first; not changed
 * @throws RangeError on NaN or an infinity
 */
export function batchStatistics(
  values: ArrayLike<number>,
  options: BatchStatisticsOptions = {},
): WindowStatistics {
  const capacity = options.capacity ?? Math.max(1, values.length);
  const out = new Float64Array(figureCount).fill(Number.NaN);
  const window = Array.prototype.slice.call(values, Math.max(0, values.length - capacity)) as number[];
  const n = window.length;
  out[FIGURE.count] = n;
  const longest = options.capacity ?? Number.POSITIVE_INFINITY;
  if (n === 0) return describeFigures(out, capacity, longest);
  requireFinite(window, 'values');
  const periodsPerYear = options.periodsPerYear ?? 1;
  moments(window, out);
  extremes(window, out);
  returns(window, periodsPerYear, out);
  ewma(window, options.lambda ?? defaultLambda, periodsPerYear, out);
  return describeFigures(out, capacity, longest);
}

function moments(v: readonly number[], out: Float64Array): void {
  const n = v.length;
  const origin = v[0]!;
  const distance = new CompensatedSum();
  for (const x of v) distance.add(x - origin);
  const offset = distance.value / n;
  const left = new CompensatedSum();
  for (const x of v) left.add(x - origin - offset);
  const correction = left.value / n;
  out[FIGURE.mean] = origin + (offset + correction);
  const squares = new CompensatedSum();
  const products = new CompensatedSum();
  for (let i = 0; i < n; i++) {
    const d = v[i]! - origin - offset - correction;
    squares.add(d * d);
    products.add((i - (n - 1) / 2) * d);
  }
  out[FIGURE.std] = Math.sqrt(squares.value / n);
  if (n > 1) out[FIGURE.stdSample] = Math.sqrt(squares.value / (n - 1));
  if (n >= needs.trend) out[FIGURE.trend] = (products.value * 12) / (n * (n * n - 1));
}

function extremes(v: readonly number[], out: Float64Array): void {
  let min = v[0]!;
  let max = v[0]!;
  let fall = 0;
  let fraction = 0;
  for (const x of v) {
    if (x < min) min = x;
    if (x > max) max = x;
    if (max - x > fall) fall = max - x;
    if ((max - x) / max > fraction) fraction = (max - x) / max;
  }
  const last = v[v.length - 1]!;
  out[FIGURE.current] = last;
  out[FIGURE.min] = min;
  out[FIGURE.max] = max;
  out[FIGURE.drawdown] = max - last;
  out[FIGURE.maxDrawdown] = fall;
  if (min > 0) {
    out[FIGURE.drawdownFraction] = (max - last) / max;
    out[FIGURE.maxDrawdownFraction] = fraction;
  }
}

/** `to / from − 1` without its cancellation: the difference of neighbouring values is exact, a quotient near 1 is not. */
const simpleReturn = (from: number, to: number): number => (to - from) / from;

function returns(v: readonly number[], periodsPerYear: number, out: Float64Array): void {
  const n = v.length;
  const back = (p: number): number => simpleReturn(v[n - 1 - p]!, v[n - 1]!);
  if (n > 1) out[FIGURE.momentum1] = back(1);
  if (n > 5) out[FIGURE.momentum5] = back(5);
  if (n > 10) out[FIGURE.momentum10] = back(10);
  if (n < needs.volatility) return;
  const recent: number[] = [];
  for (let i = n - needs.volatility + 1; i < n; i++) recent.push(simpleReturn(v[i - 1]!, v[i]!));
  const sum = new CompensatedSum();
  for (const r of recent) sum.add(r);
  const mean = sum.value / recent.length;
  const squares = new CompensatedSum();
  for (const r of recent) squares.add((r - mean) ** 2);
  out[FIGURE.volatility] = Math.sqrt((squares.value / recent.length) * periodsPerYear);
}

function ewma(v: readonly number[], lambda: number, periodsPerYear: number, out: Float64Array): void {
  const { power } = ewmaWeights(lambda);
  const n = v.length;
  const newest = v[n - 1]!;
  const weights = new CompensatedSum();
  const distances = new CompensatedSum();
  const squares = new CompensatedSum();
  const squareWeights = new CompensatedSum();
  for (let age = 0; age < n && age < power.length - 1; age++) {
    const x = v[n - 1 - age]!;
    const w = power[age]!;
    weights.add(w);
    distances.add(w * (x - newest));
    if (age === n - 1) break;
    squareWeights.add(w);
    squares.add(w * simpleReturn(v[n - 2 - age]!, x) ** 2);
  }
  out[FIGURE.ewmaMean] = newest + distances.value / weights.value;
  if (n > 1) out[FIGURE.ewmaVolatility] = Math.sqrt((squares.value / squareWeights.value) * periodsPerYear);
}
