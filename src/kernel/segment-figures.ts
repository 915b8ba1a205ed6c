import type { EwmaWeights } from './ewma-weights.js';
import { SEGMENT } from './segment-layout.js';
import { FIGURE, needs } from './window-statistics.js';

const ORIGIN = SEGMENT.origin;
const MEAN_OFFSET = SEGMENT.meanOffset;
const M2 = SEGMENT.m2;
const C = SEGMENT.c;
const MIN = SEGMENT.min;
const MAX = SEGMENT.max;
const FALL = SEGMENT.fall;
const FALL_FRACTION = SEGMENT.fallFraction;
const EWMA_OFFSET = SEGMENT.ewmaOffset;
const EWMA_SQUARES = SEGMENT.ewmaSquares;
const LAST = SEGMENT.last;

const F_COUNT = FIGURE.count;
const F_CURRENT = FIGURE.current;
const F_MEAN = FIGURE.mean;
const F_STD = FIGURE.std;
const F_STD_SAMPLE = FIGURE.stdSample;
const F_MIN = FIGURE.min;
const F_MAX = FIGURE.max;
const F_TREND = FIGURE.trend;
const F_EWMA_MEAN = FIGURE.ewmaMean;
const F_EWMA_VOLATILITY = FIGURE.ewmaVolatility;
const F_DRAWDOWN = FIGURE.drawdown;
const F_DRAWDOWN_FRACTION = FIGURE.drawdownFraction;
const F_MAX_DRAWDOWN = FIGURE.maxDrawdown;
const F_MAX_DRAWDOWN_FRACTION = FIGURE.maxDrawdownFraction;
const trendNeeds = needs.trend;

/**
 * What the divisors of the figures come to for one count: the count, 1 / n, √(n / (n − 1)), 12 / (n³ − n); NaN
 * where the figure is not defined yet. A full window keeps its count, so these divisions are made once.
 */
const byCount = new Float64Array(4);

function countChanged(n: number): void {
  byCount[0] = n;
  byCount[1] = 1 / n;
  byCount[2] = n > 1 ? Math.sqrt(n / (n - 1)) : Number.NaN;
  byCount[3] = n >= trendNeeds ? 12 / (n * (n * n - 1)) : Number.NaN;
}

/**
 * Writes the figures of the segment of `a` followed by `b` to `out`: `join` and the division into figures in
 * one, without the way through memory between them. Either may be empty, not both. Volatilities are written as
 * variances per period.
 * @param bridge place in `b` of the simple return from the last value of `a` to the first of `b`
 */
export function readJoined(
  out: Float64Array,
  a: Float64Array,
  at: number,
  b: Float64Array,
  bt: number,
  bridge: number,
  w: EwmaWeights,
): void {
  const na = a[at]! | 0;
  const nb = b[bt]! | 0;
  if (na === 0) {
    readSegment(out, b, bt, w);
    return;
  }
  if (nb === 0) {
    readSegment(out, a, at, w);
    return;
  }
  const n = na + nb;
  if (n !== byCount[0]) countChanged(n);
  const inverseN = byCount[1]!;
  const ka = a[at + ORIGIN]!;
  const between = b[bt + ORIGIN]! - ka;
  const ua = a[at + MEAN_OFFSET]!;
  const d = between + (b[bt + MEAN_OFFSET]! - ua);
  const ofB = nb * inverseN;
  const m2 = a[at + M2]! + b[bt + M2]! + d * (d * (na * ofB));
  const c = a[at + C]! + b[bt + C]! + d * na * 0.5 * nb;
  const minA = a[at + MIN]!;
  const minB = b[bt + MIN]!;
  const maxA = a[at + MAX]!;
  const maxB = b[bt + MAX]!;
  const min = minA < minB ? minA : minB;
  const max = maxA > maxB ? maxA : maxB;
  let fall = a[at + FALL]!;
  if (b[bt + FALL]! > fall) fall = b[bt + FALL]!;
  if (maxA - minB > fall) fall = maxA - minB;
  const last = b[bt + LAST]!;
  out[F_COUNT] = n;
  out[F_CURRENT] = last;
  out[F_MEAN] = ka + (ua + d * ofB);
  const std = Math.sqrt(m2 * inverseN);
  out[F_STD] = std;
  out[F_STD_SAMPLE] = std * byCount[2]!;
  out[F_MIN] = min;
  out[F_MAX] = max;
  out[F_TREND] = c * byCount[3]!;
  out[F_DRAWDOWN] = max - last;
  out[F_MAX_DRAWDOWN] = fall;
  if (min > 0) {
    let fraction = a[at + FALL_FRACTION]!;
    if (b[bt + FALL_FRACTION]! > fraction) fraction = b[bt + FALL_FRACTION]!;
    if (maxA - minB > fraction * maxA) fraction = (maxA - minB) / maxA;
    out[F_DRAWDOWN_FRACTION] = (max - last) / max;
    out[F_MAX_DRAWDOWN_FRACTION] = fraction;
  } else {
    out[F_DRAWDOWN_FRACTION] = Number.NaN;
    out[F_MAX_DRAWDOWN_FRACTION] = Number.NaN;
  }
  const { power, sum, inverse } = w;
  const reach = power.length - 1;
  const fade = nb < reach ? power[nb]! : 0;
  const share = fade * sum[na < reach ? na : reach]! * inverse[n < reach ? n : reach]!;
  const ea = a[at + EWMA_OFFSET]!;
  out[F_EWMA_MEAN] = ka + (ea + (between + (b[bt + EWMA_OFFSET]! - ea)) * (1 - share));
  let squares = b[bt + EWMA_SQUARES]!;
  if (nb - 1 < reach) {
    const r = b[bridge]!;
    squares += r * r * power[nb - 1]!;
  }
  if (fade !== 0) squares += a[at + EWMA_SQUARES]! * fade;
  out[F_EWMA_VOLATILITY] = squares * inverse[n - 1 < reach ? n - 1 : reach]!;
}

/** Figures that follow from a joined segment; volatilities as variances per period, not yet annualised. */
function readSegment(out: Float64Array, s: Float64Array, at: number, weights: EwmaWeights): void {
  const n = s[at]!;
  const m2 = s[at + M2]!;
  if (n !== byCount[0]) countChanged(n);
  const origin = s[at + ORIGIN]!;
  const min = s[at + MIN]!;
  const max = s[at + MAX]!;
  const last = s[at + LAST]!;
  out[F_COUNT] = n;
  out[F_CURRENT] = last;
  out[F_MEAN] = origin + s[at + MEAN_OFFSET]!;
  const std = Math.sqrt(m2 * byCount[1]!);
  out[F_STD] = std;
  out[F_STD_SAMPLE] = std * byCount[2]!;
  out[F_MIN] = min;
  out[F_MAX] = max;
  out[F_TREND] = s[at + C]! * byCount[3]!;
  out[F_EWMA_MEAN] = origin + s[at + EWMA_OFFSET]!;
  const { inverse } = weights;
  const reach = inverse.length - 1;
  out[F_EWMA_VOLATILITY] =
    n > 1 ? s[at + EWMA_SQUARES]! * inverse[n - 1 < reach ? n - 1 : reach]! : Number.NaN;
  out[F_DRAWDOWN] = max - last;
  out[F_DRAWDOWN_FRACTION] = min > 0 ? (max - last) / max : Number.NaN;
  out[F_MAX_DRAWDOWN] = s[at + FALL]!;
  out[F_MAX_DRAWDOWN_FRACTION] = min > 0 ? s[at + FALL_FRACTION]! : Number.NaN;
}
