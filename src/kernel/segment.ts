import type { EwmaWeights } from './ewma-weights.js';
import { SEGMENT, segmentSize } from './segment-layout.js';

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
const FIRST = SEGMENT.first;
const LAST = SEGMENT.last;
const size = segmentSize;

/** Makes the segment of the single value `values[slot]`. */
export function single(s: Float64Array, at: number, values: Float64Array, slot: number): void {
  const x = values[slot]!;
  s[at] = 1;
  s[at + ORIGIN] = x;
  s[at + MEAN_OFFSET] = 0;
  s[at + M2] = 0;
  s[at + C] = 0;
  s[at + MIN] = x;
  s[at + MAX] = x;
  s[at + FALL] = 0;
  s[at + FALL_FRACTION] = 0;
  s[at + EWMA_OFFSET] = 0;
  s[at + EWMA_SQUARES] = 0;
  s[at + FIRST] = x;
  s[at + LAST] = x;
}

/**
 * Extends a non-empty segment by the value `values[slot]` that follows it, with the simple return `returns[newest]`
 * into it. (Numbers are passed by their place: one handed to a function that is not inlined would be allocated.)
 */
export function append(
  s: Float64Array,
  at: number,
  values: Float64Array,
  slot: number,
  returns: Float64Array,
  newest: number,
  w: EwmaWeights,
): void {
  const x = values[slot]!;
  const r = returns[newest]!;
  const n = (s[at]! | 0) + 1;
  const fromOrigin = x - s[at + ORIGIN]!;
  const before = s[at + MEAN_OFFSET]!;
  const d = fromOrigin - before;
  // 1 / n does not wait for d: a division late in the chain from one mean to the next would.
  const share = d * (1 / n);
  s[at] = n;
  s[at + MEAN_OFFSET] = before + share;
  s[at + M2] = s[at + M2]! + d * (d - share);
  s[at + C] = s[at + C]! + d * (0.5 * (n - 1));
  if (x < s[at + MIN]!) s[at + MIN] = x;
  const max = s[at + MAX]!;
  if (x > max) s[at + MAX] = x;
  else {
    const fall = max - x;
    if (fall > s[at + FALL]!) s[at + FALL] = fall;
    // Compared by product: the division is only for a new largest one.
    if (fall > s[at + FALL_FRACTION]! * max) s[at + FALL_FRACTION] = fall / max;
  }
  const { inverse } = w;
  const e = s[at + EWMA_OFFSET]!;
  s[at + EWMA_OFFSET] = e + (fromOrigin - e) * inverse[n < inverse.length ? n : inverse.length - 1]!;
  s[at + EWMA_SQUARES] = s[at + EWMA_SQUARES]! * w.lambda + r * r;
  s[at + LAST] = x;
}

/**
 * Makes the segment of `count` ≥ 1 values of a ring, from `slot` on. The same arithmetic as {@link single} and
 * {@link append}; the running figures stay in registers.
 */
export function fold(
  s: Float64Array,
  at: number,
  values: Float64Array,
  slot: number,
  count: number,
  w: EwmaWeights,
): void {
  const { inverse, lambda } = w;
  const reach = inverse.length - 1;
  const origin = values[slot]!;
  let x = origin;
  let before = x;
  let offset = 0;
  let m2 = 0;
  let c = 0;
  let min = x;
  let max = x;
  let fall = 0;
  let fraction = 0;
  let ewma = 0;
  let squares = 0;
  for (let n = 2; n <= count; n++) {
    slot++;
    if (slot === values.length) slot = 0;
    x = values[slot]!;
    const fromOrigin = x - origin;
    const d = fromOrigin - offset;
    const share = d * (1 / n);
    offset += share;
    m2 += d * (d - share);
    c += d * (0.5 * (n - 1));
    if (x < min) min = x;
    if (x > max) max = x;
    else {
      const f = max - x;
      if (f > fall) fall = f;
      if (f > fraction * max) fraction = f / max;
    }
    ewma += (fromOrigin - ewma) * inverse[n < reach ? n : reach]!;
    const r = (x - before) / before;
    squares = squares * lambda + r * r;
    before = x;
  }
  s[at] = count;
  s[at + ORIGIN] = origin;
  s[at + MEAN_OFFSET] = offset;
  s[at + M2] = m2;
  s[at + C] = c;
  s[at + MIN] = min;
  s[at + MAX] = max;
  s[at + FALL] = fall;
  s[at + FALL_FRACTION] = fraction;
  s[at + EWMA_OFFSET] = ewma;
  s[at + EWMA_SQUARES] = squares;
  s[at + FIRST] = origin;
  s[at + LAST] = x;
}

/**
 * Lays out the segments that start 1, 2 … `count` values before the segment `base` of `b` (which may be empty) and
 * end where it ends: the k-th is written to `s` at (k − 1) · {@link segmentSize}. `slot` is the ring slot of the
 * value just before the base. The origin stays with the later values: those leave the window last.
 */
export function layOutBefore(
  s: Float64Array,
  count: number,
  b: Float64Array,
  base: number,
  values: Float64Array,
  slot: number,
  w: EwmaWeights,
): void {
  const { power, inverse } = w;
  const reach = power.length - 1;
  let n = b[base]! | 0;
  const empty = n === 0;
  let x = values[slot]!;
  const origin = empty ? x : b[base + ORIGIN]!;
  const last = empty ? x : b[base + LAST]!;
  let first = empty ? x : b[base + FIRST]!;
  let offset = empty ? 0 : b[base + MEAN_OFFSET]!;
  let m2 = empty ? 0 : b[base + M2]!;
  let c = empty ? 0 : b[base + C]!;
  let min = empty ? x : b[base + MIN]!;
  let max = empty ? x : b[base + MAX]!;
  let fall = empty ? 0 : b[base + FALL]!;
  let fraction = empty ? 0 : b[base + FALL_FRACTION]!;
  let ewma = empty ? 0 : b[base + EWMA_OFFSET]!;
  let squares = empty ? 0 : b[base + EWMA_SQUARES]!;
  const end = count * size;
  for (let at = 0; at < end; at += size) {
    x = values[slot]!;
    const k = n;
    n++;
    if (k > 0) {
      const back = origin - x;
      const d = back + offset;
      const share = d * (1 / n);
      offset -= share;
      m2 += d * (d - share);
      c += d * (0.5 * k);
      if (x < min) min = x;
      if (x > max) max = x;
      const f = x - min;
      if (f > fall) fall = f;
      if (f > fraction * x) fraction = f / x;
      if (k <= reach) {
        const r = (first - x) / x;
        ewma -= (back + ewma) * (power[k]! * inverse[n < reach ? n : reach]!);
        squares += r * r * power[k - 1]!;
      }
      first = x;
    }
    s[at] = n;
    s[at + ORIGIN] = origin;
    s[at + MEAN_OFFSET] = offset;
    s[at + M2] = m2;
    s[at + C] = c;
    s[at + MIN] = min;
    s[at + MAX] = max;
    s[at + FALL] = fall;
    s[at + FALL_FRACTION] = fraction;
    s[at + EWMA_OFFSET] = ewma;
    s[at + EWMA_SQUARES] = squares;
    s[at + FIRST] = first;
    s[at + LAST] = last;
    slot = slot === 0 ? values.length - 1 : slot - 1;
  }
}

/**
 * Writes to `to` the segment of `a` followed by `b`. Either may be empty (`N` = 0); `to` may be either of them.
 * The origin is that of `a`, or of `b` with `keepLater` (for aggregates whose early values leave first).
 */
export function join(
  s: Float64Array,
  to: number,
  a: Float64Array,
  at: number,
  b: Float64Array,
  bt: number,
  w: EwmaWeights,
  keepLater: boolean,
): void {
  const na = a[at]! | 0;
  const nb = b[bt]! | 0;
  if (na === 0 || nb === 0) {
    copySegment(s, to, na === 0 ? b : a, na === 0 ? bt : at);
    return;
  }
  const n = na + nb;
  const ka = a[at + ORIGIN]!;
  const kb = b[bt + ORIGIN]!;
  const between = kb - ka;
  const ua = a[at + MEAN_OFFSET]!;
  const ub = b[bt + MEAN_OFFSET]!;
  const d = between + (ub - ua);
  const half = d * na * 0.5;
  const m2 = a[at + M2]! + b[bt + M2]! + d * (d * (na * (nb / n)));
  const c = a[at + C]! + b[bt + C]! + half * nb;
  const minA = a[at + MIN]!;
  const minB = b[bt + MIN]!;
  const maxA = a[at + MAX]!;
  const maxB = b[bt + MAX]!;
  const fall = maxA - minB;
  const fraction = fall / maxA;
  const fallA = a[at + FALL]!;
  const fallB = b[bt + FALL]!;
  const fractionA = a[at + FALL_FRACTION]!;
  const fractionB = b[bt + FALL_FRACTION]!;
  const { power, sum, inverse } = w;
  const reach = power.length - 1;
  const fade = nb < reach ? power[nb]! : 0;
  const share = fade * sum[na < reach ? na : reach]! * inverse[n < reach ? n : reach]!;
  const ea = a[at + EWMA_OFFSET]!;
  const eb = b[bt + EWMA_OFFSET]!;
  const de = between + (eb - ea);
  const r = (b[bt + FIRST]! - a[at + LAST]!) / a[at + LAST]!;
  const bridge = nb - 1 < reach ? r * r * power[nb - 1]! : 0;
  // λⁿ of 0 drops a far past altogether, also one that is not finite.
  const squares = (fade === 0 ? 0 : a[at + EWMA_SQUARES]! * fade) + bridge + b[bt + EWMA_SQUARES]!;
  const first = a[at + FIRST]!;
  const last = b[bt + LAST]!;
  s[to] = n;
  if (keepLater) {
    s[to + ORIGIN] = kb;
    s[to + MEAN_OFFSET] = ub - d * (na / n);
    s[to + EWMA_OFFSET] = eb - de * share;
  } else {
    s[to + ORIGIN] = ka;
    s[to + MEAN_OFFSET] = ua + d * (nb / n);
    s[to + EWMA_OFFSET] = ea + de * (1 - share);
  }
  s[to + M2] = m2;
  s[to + C] = c;
  s[to + MIN] = minA < minB ? minA : minB;
  s[to + MAX] = maxA > maxB ? maxA : maxB;
  s[to + FALL] = fall > fallA ? (fall > fallB ? fall : fallB) : fallA > fallB ? fallA : fallB;
  s[to + FALL_FRACTION] =
    fraction > fractionA
      ? fraction > fractionB
        ? fraction
        : fractionB
      : fractionA > fractionB
        ? fractionA
        : fractionB;
  s[to + EWMA_SQUARES] = squares;
  s[to + FIRST] = first;
  s[to + LAST] = last;
}

export function copySegment(s: Float64Array, to: number, from: Float64Array, at: number): void {
  for (let i = 0; i < size; i++) s[to + i] = from[at + i]!;
}
