import { defaultLambda, type EwmaWeights, ewmaWeights } from './ewma-weights.js';
import { QuantileSketch } from './quantile-sketch.js';
import { append, copySegment, fold, join, layOutBefore, readJoined, segmentSize, single } from './segment.js';
import { describeFigures, FIGURE, figureCount, type WindowStatistics } from './window-statistics.js';

export interface StreamWindowOptions {
  /** Most values held; the oldest leaves when another comes. 1 … 2²⁸, default 10,000. */
  readonly capacity?: number;
  /**
   * Also a time window: values whose time is `spanMs` or more before the newest one leave. Times must not go back.
   * Times are kept when this or `keepTimes` is set.
   */
  readonly spanMs?: number;
  readonly keepTimes?: boolean;
  /** Decay of the exponentially weighted figures, 0 < λ ≤ 0.9993, default 0.94. */
  readonly lambda?: number;
  /** Sub-buckets of the quantile sketch per power of two, as a power of two: the error is 2^-(bits+1). Default 14. */
  readonly sketchBits?: number;
}

export const defaultCapacity = 10_000;
/** After so many values two windows with the same keys have the same blocks (but for less than one in 10¹³). */
export const blocksMargin = 1_024;
// Local copies: V8 folds these into the code, imported ones it loads at every use.
const size = segmentSize;
const MOMENTUM_1 = FIGURE.momentum1;
const MOMENTUM_5 = FIGURE.momentum5;
const MOMENTUM_10 = FIGURE.momentum10;
const VOLATILITY = FIGURE.volatility;
const EWMA_VOLATILITY = FIGURE.ewmaVolatility;

const returnsKept = 19;
/** In place of a key: blocks end after a fixed number of values. */
const counted = -1;
const inverseReturns = 1 / returnsKept;
const momenta = [
  [MOMENTUM_1, 1],
  [MOMENTUM_5, 5],
  [MOMENTUM_10, 10],
] as const;
/** Where the segments of `hot` are. */
const TAIL = 0;
const BASE = size;
const OPEN_BLOCKS = 2 * size;
const GROUPS = 3 * size;
const SCRATCH = 4 * size;
/** The return from the value before the tail to its first one. */
const BRIDGE = 5 * size;
/** Values that may gather after the laid out front before it is laid out anew: bounds the length of a chain of sums. */
const longestTail = 128;

/**
 * Statistics over the newest values of a stream: O(1) per value, no allocation per value, never by subtraction.
 *
 * Values are cut into blocks of up to 64, blocks into groups; complete ones are kept as joined aggregates. When the
 * oldest block starts to leave, the front is laid out: for each value of that block, the aggregate of everything from
 * there to the newest value. Dropping a value is then a step of an index, and the answer is one join: front and tail,
 * the values that came since. The longest single update therefore handles one block, one group and the list of groups
 * (at most a few hundred joins, microseconds) where two stacks would turn over the whole window.
 *
 * With keys that name the value itself (a sequence number through {@link cutKey}), where blocks end depends only on
 * the values' keys. Two windows that hold the same values then have the same blocks and the same bits in their
 * answers, wherever their streams began, if that was {@link blocksMargin} or more values before the oldest one held.
 */
export class StreamWindow {
  readonly lambda: number;
  readonly spanMs: number;
  private limit: number;
  private readonly weights: EwmaWeights;
  private readonly blockMask: number;
  private readonly groupMask: number;
  private readonly blockLength: number;
  private readonly groupLength: number;

  private values: Float64Array;
  private times: Float64Array | undefined;
  /** Slots of the oldest value and of the next one to come. */
  private head = 0;
  private tail = 0;
  private count = 0;
  private total = 0;
  private dropped = 0;
  /** Value and time that come in, newest value and time that are in. */
  private readonly input = new Float64Array([Number.NaN, Number.NaN, Number.NaN, Number.NEGATIVE_INFINITY]);

  private readonly hot = new Float64Array(5 * size + 1);
  /** The aggregate that starts k values before the end of the oldest block is at (k − 1) · size. */
  private front = new Float64Array(0);
  private frontLeft = 0;
  /**
   * Ring of complete blocks, oldest first: `frontBlocks` of the oldest group (each joined with all later ones of the
   * group), then the blocks of the complete groups, then `openBlocks` of the open group. `openValues` follow.
   */
  private blocks: Float64Array;
  private blockHead = 0;
  private blockCount = 0;
  private frontBlocks = 0;
  private openBlocks = 0;
  private openValues = 0;
  private groups: Float64Array;
  private groupBlocks: Int32Array;
  private groupHead = 0;
  private groupCount = 0;

  /** The newest simple returns: that into the i-th value at i mod 32 and again 32 further on, so that runs are unbroken. */
  private readonly returns = new Float64Array(64);
  private readonly figures = new Float64Array(figureCount);
  private readonly sketchBits: number;
  private sketch: QuantileSketch | undefined;
  /** Newest values that the sketch does not hold yet. */
  private unsketched = 0;

  /** @throws RangeError for an option out of range */
  constructor(options: StreamWindowOptions = {}) {
    const { capacity = defaultCapacity, spanMs = Number.POSITIVE_INFINITY, lambda = defaultLambda } = options;
    this.limit = checkedCapacity(capacity);
    if (!(spanMs > 0)) throw new RangeError('spanMs must be above 0');
    this.spanMs = spanMs;
    this.lambda = lambda;
    this.weights = ewmaWeights(lambda);
    this.sketchBits = options.sketchBits ?? 14;
    const bits = Math.floor(Math.log2(capacity));
    const blockBits = Math.min(6, Math.max(0, bits - 1));
    this.blockLength = countedLength(capacity, 2 ** blockBits);
    this.groupLength = Math.min(128, Math.max(2, Math.round(capacity / (8 * this.blockLength))));
    // Keys end a block after half of that on average; what they leave longer is ended at that length.
    const keyedBits = Math.max(0, blockBits - 1);
    this.blockMask = 2 ** keyedBits - 1;
    this.groupMask = 2 ** Math.min(12, Math.max(keyedBits + 1, bits - 6)) - 1;
    const initial = Math.min(capacity, 64);
    this.values = new Float64Array(initial);
    if (options.keepTimes || spanMs !== Number.POSITIVE_INFINITY) this.times = new Float64Array(initial);
    this.blocks = new Float64Array(4 * size);
    this.groups = new Float64Array(2 * size);
    this.groupBlocks = new Int32Array(2);
  }

  /** Values held now. */
  get size(): number {
    return this.count;
  }

  get capacity(): number {
    return this.limit;
  }

  /** Values that there is memory for; grows in steps up to the capacity. */
  get allocated(): number {
    return this.values.length;
  }

  /** Values ever pushed. */
  get pushed(): number {
    return this.total;
  }

  /** Values that left because of the capacity or the time span. */
  get evicted(): number {
    return this.dropped;
  }

  /** Newest value; NaN while empty. */
  get last(): number {
    return this.input[2]!;
  }

  /** Memory of the typed arrays, bytes. */
  get bytes(): number {
    return (
      this.values.byteLength +
      (this.times?.byteLength ?? 0) +
      this.front.byteLength +
      this.blocks.byteLength +
      this.groups.byteLength +
      this.groupBlocks.byteLength +
      this.hot.byteLength +
      this.returns.byteLength +
      this.figures.byteLength +
      (this.sketch?.bytes ?? 0)
    );
  }

  /**
   * Appends a value; the oldest leaves when the window is full.
   * @param x finite
   * @param timeMs Unix ms, needed where times are kept; not before the newest one in a time window
   * @param key decides whether a block ends with this value, see {@link cutKey}; by default they are counted off
   * @throws RangeError when `x` or a needed `timeMs` is not finite, or the time goes back in a time window
   */
  push(x: number, timeMs = Number.NaN, key = counted): void {
    // Small enough to be inlined: a fraction that is handed on as an argument would be allocated.
    const { input } = this;
    input[0] = x;
    input[1] = timeMs;
    this.accept(key);
  }

  private accept(key: number): void {
    const { hot, input, times } = this;
    const x = input[0]!;
    if (x - x !== 0) throw new RangeError('value must be finite');
    if (times !== undefined) this.admitTime();
    if (this.count === this.limit) this.dropOldest();
    if (this.count === this.values.length) this.grow();
    const { values } = this;
    const slot = this.tail;
    if (this.total > 0) this.keepReturn();
    values[slot] = x;
    if (this.times !== undefined) this.times[slot] = input[1]!;
    this.tail = slot + 1 === values.length ? 0 : slot + 1;
    if (hot[TAIL] === 0) {
      single(hot, TAIL, values, slot);
      hot[BRIDGE] = this.returns[this.total & 31]!;
    } else append(hot, TAIL, values, slot, this.returns, this.total & 31, this.weights);
    this.openValues++;
    input[2] = x;
    this.count++;
    this.total++;
    if (this.sketch !== undefined) this.unsketched++;
    if (this.spanMs !== Number.POSITIVE_INFINITY) this.expire(input[1]! - this.spanMs);
    if (key === counted) {
      if (this.openValues >= this.blockLength) this.closeBlock(this.openBlocks + 1 >= this.groupLength);
    } else if ((key & this.blockMask) === 0 || this.openValues >= this.blockLength) {
      this.closeBlock((key & this.groupMask) === 0);
    }
    // A full window always has its oldest block laid out: peek needs it and must not change anything.
    if (this.count === this.limit && this.frontLeft === 0) this.layOutFront();
  }

  /**
   * Drops what is `spanMs` or more before `nowMs`, without a new value (a quiet stream).
   * @returns how many left
   */
  expireBefore(nowMs: number): number {
    return this.spanMs === Number.POSITIVE_INFINITY ? 0 : this.expire(nowMs - this.spanMs);
  }

  /** Changes the most values held; the oldest leave when there are more. Memory of the surplus is released. */
  resize(capacity: number): void {
    this.limit = checkedCapacity(capacity);
    while (this.count > this.limit) this.dropOldest();
    if (this.values.length > this.limit) {
      this.reallocate(this.limit);
      this.blocks = unrolled(this.blocks, this.blockHead, this.blockCount, this.blockCount + 4);
      this.blockHead = 0;
    }
    if (this.count === this.limit && this.frontLeft === 0) this.layOutFront();
  }

  /** Forgets all values; the options stay. */
  clear(): void {
    this.head = 0;
    this.tail = 0;
    this.count = 0;
    this.hot.fill(0);
    this.frontLeft = 0;
    this.frontBlocks = 0;
    this.openBlocks = 0;
    this.openValues = 0;
    this.blockCount = 0;
    this.groupCount = 0;
    this.input.set([Number.NaN, Number.NaN, Number.NaN, Number.NEGATIVE_INFINITY]);
    this.total = 0;
    this.dropped = 0;
    this.sketch = undefined;
  }

  /**
   * Writes every figure to `out` in the order of {@link FIGURE}, NaN where it is undefined. The hot path: no
   * allocation. {@link statistics} gives the same as an object, with reasons.
   * @param periodsPerYear factor under the root of the volatilities; 1 leaves them per period
   */
  readInto(out: Float64Array, periodsPerYear = 1): void {
    const { hot, weights, count } = this;
    if (count === 0) {
      out.fill(Number.NaN, 0, figureCount);
      out[FIGURE.count] = 0;
      return;
    }
    if (this.frontLeft > 0)
      readJoined(out, this.front, (this.frontLeft - 1) * size, hot, TAIL, BRIDGE, weights);
    else readJoined(out, hot, BASE, hot, TAIL, BRIDGE, weights);
    const { values, tail } = this;
    const slots = values.length;
    const x = values[tail === 0 ? slots - 1 : tail - 1]!;
    out[MOMENTUM_1] = count > 1 ? this.returns[(this.total - 1) & 31]! : Number.NaN;
    out[MOMENTUM_5] = count > 5 ? x / values[tail < 6 ? tail + slots - 6 : tail - 6]! - 1 : Number.NaN;
    out[MOMENTUM_10] = count > 10 ? x / values[tail < 11 ? tail + slots - 11 : tail - 11]! - 1 : Number.NaN;
    if (count > returnsKept) returnsVariance(out, this.returns, this.total);
    else out[VOLATILITY] = Number.NaN;
    annualise(out, periodsPerYear);
  }

  /** Every figure, `null` where it is undefined, with the reason. Allocates: for answers, not for every tick. */
  statistics(periodsPerYear = 1): WindowStatistics {
    this.readInto(this.figures, periodsPerYear);
    return describeFigures(this.figures, this.limit);
  }

  /**
   * The statistics as they would be after `push(x)`, which does not happen. Of a time window: as if nothing expired.
   * @throws RangeError when `x` is not finite
   */
  peek(x: number, periodsPerYear = 1): WindowStatistics {
    if (!Number.isFinite(x)) throw new RangeError('value must be finite');
    const { hot, figures, weights } = this;
    const full = this.count === this.limit;
    const left = full ? this.frontLeft - 1 : this.frontLeft;
    const { input } = this;
    input[0] = x;
    const newest = this.total & 31;
    // 32 slots, 19 in use: the slot of the return to come holds none that counts.
    if (this.total > 0) this.keepReturn();
    copySegment(hot, SCRATCH, hot, TAIL);
    const bridge = hot[BRIDGE]!;
    if (hot[TAIL] === 0) {
      single(hot, SCRATCH, input, 0);
      hot[BRIDGE] = this.returns[newest]!;
    } else append(hot, SCRATCH, input, 0, this.returns, newest, weights);
    if (left > 0) readJoined(figures, this.front, (left - 1) * size, hot, SCRATCH, BRIDGE, weights);
    else readJoined(figures, hot, BASE, hot, SCRATCH, BRIDGE, weights);
    hot[BRIDGE] = bridge;
    const count = full ? this.count : this.count + 1;
    for (const [figure, back] of momenta) {
      figures[figure] = count > back ? x / this.at(this.count - back) - 1 : Number.NaN;
    }
    if (count > returnsKept) returnsVariance(figures, this.returns, this.total + 1);
    else figures[VOLATILITY] = Number.NaN;
    annualise(figures, periodsPerYear);
    return describeFigures(figures, this.limit);
  }

  /** The value `index` places after the oldest (0 … size − 1). */
  at(index: number): number {
    return this.values[this.slot(index)]!;
  }

  /** Its time; NaN where times are not kept. */
  timeAt(index: number): number {
    return this.times === undefined ? Number.NaN : this.times[this.slot(index)]!;
  }

  /** Copies the values, oldest first. @returns how many */
  copyValues(out: Float64Array): number {
    return copyRing(this.values, this.head, this.count, out);
  }

  /** Copies the times, oldest first; none where times are not kept. @returns how many */
  copyTimes(out: Float64Array): number {
    return this.times === undefined ? 0 : copyRing(this.times, this.head, this.count, out);
  }

  /**
   * Mean time between the newest values (at most 20 of them), ms: the series' own sampling period. NaN where times
   * are not kept or do not advance.
   */
  samplingPeriodMs(): number {
    if (this.times === undefined || this.count < 2) return Number.NaN;
    const steps = this.count - 1;
    const span = this.timeAt(steps) - this.timeAt(0);
    return span > 0 ? span / steps : Number.NaN;
  }

  /**
   * Quantile sketch of exactly the values in the window. The first call builds it; from then on it is kept current:
   * bucket counts are integers, so taking a value out is exact.
   */
  quantiles(): QuantileSketch {
    if (this.sketch === undefined) {
      this.sketch = new QuantileSketch(this.sketchBits);
      this.unsketched = this.count;
    }
    const { sketch, count } = this;
    for (let i = count - this.unsketched; i < count; i++) sketch.add(this.at(i));
    this.unsketched = 0;
    return sketch;
  }

  /** An independent window with the same contents. */
  fork(): StreamWindow {
    const copy = new StreamWindow({
      capacity: this.limit,
      spanMs: this.spanMs,
      lambda: this.lambda,
      keepTimes: this.times !== undefined,
      sketchBits: this.sketchBits,
    });
    const own = {
      ...this,
      hot: this.hot.slice(),
      values: this.values.slice(),
      times: this.times?.slice(),
      front: this.front.slice(),
      blocks: this.blocks.slice(),
      groups: this.groups.slice(),
      groupBlocks: this.groupBlocks.slice(),
      returns: this.returns.slice(),
      input: this.input.slice(),
      figures: new Float64Array(figureCount),
      sketch: undefined,
      unsketched: 0,
    };
    return Object.assign(copy, own);
  }

  private slot(index: number): number {
    if (!(index >= 0 && index < this.count)) throw new RangeError(`no value at ${index}`);
    const slot = this.head + index;
    return slot < this.values.length ? slot : slot - this.values.length;
  }

  private admitTime(): void {
    const { input } = this;
    const timeMs = input[1]!;
    if (timeMs - timeMs !== 0) throw new RangeError('time must be finite');
    if (this.spanMs !== Number.POSITIVE_INFINITY && timeMs < input[3]!)
      throw new RangeError('time goes back');
    input[3] = timeMs;
  }

  /** Notes the return from the newest value to the one that comes in. */
  private keepReturn(): void {
    const { returns, input } = this;
    const slot = this.total & 31;
    const r = input[0]! / input[2]! - 1;
    returns[slot] = r;
    returns[slot + 32] = r;
  }

  private expire(upToMs: number): number {
    const times = this.times!;
    const before = this.count;
    while (this.count > 0 && times[this.head]! <= upToMs) this.dropOldest();
    return before - this.count;
  }

  private dropOldest(): void {
    if (this.frontLeft === 0) this.layOutFront();
    if (this.sketch !== undefined) {
      if (this.unsketched < this.count) this.sketch.remove(this.values[this.head]!);
      else this.unsketched--;
    }
    this.head = this.head + 1 === this.values.length ? 0 : this.head + 1;
    this.count--;
    this.dropped++;
    this.frontLeft--;
  }

  /** Takes the oldest block (or, in a window smaller than that, the open one) and lays out its aggregates. */
  private layOutFront(): void {
    if (this.frontBlocks === 0) this.layOutFrontGroup();
    let taken: number;
    if (this.frontBlocks > 0) {
      const { blocks } = this;
      const at = this.blockHead * size;
      const next = this.blockHead + 1 === blocks.length / size ? 0 : this.blockHead + 1;
      this.frontBlocks--;
      // An integer to the optimiser too: every value counts this down.
      taken = (blocks[at]! - (this.frontBlocks > 0 ? blocks[next * size]! : 0)) | 0;
      this.blockHead = next;
      this.blockCount--;
    } else {
      taken = this.openValues;
      this.openValues = 0;
    }
    if (this.front.length < taken * size) {
      this.front = new Float64Array(Math.max(taken, this.blockLength) * size);
    }
    this.frontLeft = taken;
    this.layOut();
  }

  /** Joins everything after the oldest block into BASE, lays the front out before it and empties the tail. */
  private layOut(): void {
    const { front, values, weights, hot } = this;
    this.joinBase();
    if (this.openValues > 0) {
      this.foldOpenValues();
      join(hot, BASE, hot, BASE, hot, SCRATCH, weights, true);
    }
    hot[TAIL] = 0;
    let slot = this.head + this.frontLeft - 1;
    if (slot >= values.length) slot -= values.length;
    layOutBefore(front, this.frontLeft, hot, BASE, values, slot, weights);
  }

  /** Turns the oldest complete group (or, without one, the open group) into suffixes over its blocks, in place. */
  private layOutFrontGroup(): void {
    const { hot, blocks, weights } = this;
    if (this.groupCount > 0) {
      this.frontBlocks = this.groupBlocks[this.groupHead]!;
      this.groupHead = this.groupHead + 1 === this.groupBlocks.length ? 0 : this.groupHead + 1;
      this.groupCount--;
      this.joinGroups();
    } else {
      this.frontBlocks = this.openBlocks;
      this.openBlocks = 0;
      hot[OPEN_BLOCKS] = 0;
    }
    const length = blocks.length / size;
    for (let i = this.frontBlocks - 2; i >= 0; i--) {
      const at = ((this.blockHead + i) % length) * size;
      const later = ((this.blockHead + i + 1) % length) * size;
      join(blocks, at, blocks, at, blocks, later, weights, true);
    }
  }

  /** Joins the complete blocks after the oldest one. */
  private joinBase(): void {
    const { hot, weights } = this;
    if (this.frontBlocks > 0) {
      join(hot, BASE, this.blocks, this.blockHead * size, hot, GROUPS, weights, true);
      join(hot, BASE, hot, BASE, hot, OPEN_BLOCKS, weights, true);
    } else join(hot, BASE, hot, GROUPS, hot, OPEN_BLOCKS, weights, true);
  }

  /** Aggregates the values since the last cut into SCRATCH. */
  private foldOpenValues(): void {
    const { hot, values, weights, openValues } = this;
    if (hot[TAIL] === openValues) {
      // The tail happens to start at the cut (always so where blocks are counted off and fit the capacity).
      copySegment(hot, SCRATCH, hot, TAIL);
      return;
    }
    const slot = this.tail - openValues;
    fold(hot, SCRATCH, values, slot < 0 ? slot + values.length : slot, openValues, weights);
  }

  private closeBlock(closesGroup: boolean): void {
    const { hot, weights } = this;
    if ((this.blockCount + 1) * size > this.blocks.length) {
      this.blocks = unrolled(this.blocks, this.blockHead, this.blockCount, this.blockCount * 2);
      this.blockHead = 0;
    }
    this.foldOpenValues();
    const length = this.blocks.length / size;
    const at = ((this.blockHead + this.blockCount) % length) * size;
    copySegment(this.blocks, at, hot, SCRATCH);
    this.blockCount++;
    join(hot, OPEN_BLOCKS, hot, OPEN_BLOCKS, hot, SCRATCH, weights, false);
    this.openBlocks++;
    this.openValues = 0;
    if (closesGroup) this.closeGroup();
    if (this.frontLeft === 0) {
      // Nothing has left yet: the complete blocks are the base, the tail starts anew.
      this.joinBase();
      hot[TAIL] = 0;
    } else if (hot[TAIL]! > longestTail) this.layOut();
  }

  private closeGroup(): void {
    const { hot, weights } = this;
    if (this.groupCount === this.groupBlocks.length) {
      this.groups = unrolled(this.groups, this.groupHead, this.groupCount, this.groupCount * 2);
      const counts = new Int32Array(this.groupBlocks.length * 2);
      for (let i = 0; i < this.groupCount; i++) {
        counts[i] = this.groupBlocks[(this.groupHead + i) % this.groupBlocks.length]!;
      }
      this.groupBlocks = counts;
      this.groupHead = 0;
    }
    const at = (this.groupHead + this.groupCount) % this.groupBlocks.length;
    copySegment(this.groups, at * size, hot, OPEN_BLOCKS);
    this.groupBlocks[at] = this.openBlocks;
    this.groupCount++;
    join(hot, GROUPS, hot, GROUPS, hot, OPEN_BLOCKS, weights, false);
    hot[OPEN_BLOCKS] = 0;
    this.openBlocks = 0;
  }

  private joinGroups(): void {
    const { hot, groups, weights } = this;
    const length = this.groupBlocks.length;
    hot[GROUPS] = 0;
    for (let i = 0; i < this.groupCount; i++) {
      join(hot, GROUPS, hot, GROUPS, groups, ((this.groupHead + i) % length) * size, weights, false);
    }
  }

  private grow(): void {
    this.reallocate(Math.min(this.limit, Math.max(64, this.values.length * 2)));
  }

  private reallocate(length: number): void {
    const values = new Float64Array(length);
    copyRing(this.values, this.head, this.count, values);
    if (this.times !== undefined) {
      const times = new Float64Array(length);
      copyRing(this.times, this.head, this.count, times);
      this.times = times;
    }
    this.values = values;
    this.head = 0;
    this.tail = this.count === length ? 0 : this.count;
  }
}

/**
 * Spreads a sequence number over 31 bits, for use as the key of {@link StreamWindow.push}: blocks then end at values
 * that their own sequence numbers choose, however densely the numbers were given to this stream.
 */
export function cutKey(seq: number): number {
  let h = (seq >>> 0) ^ Math.imul((seq / 0x1_0000_0000) >>> 0, 0x9e3779b1);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 1;
}

/**
 * Population variance of the newest 19 returns, from the newest back, so that it does not depend on where the ring
 * stands. Four running sums: the additions of one alone would wait for each other.
 */
function returnsVariance(out: Float64Array, returns: Float64Array, total: number): void {
  const t = ((total - 1) & 31) + 32;
  let a = returns[t - 16]!;
  let b = returns[t - 17]!;
  let c = returns[t - 18]!;
  let d = 0;
  for (let i = t; i > t - 16; i -= 4) {
    a += returns[i]!;
    b += returns[i - 1]!;
    c += returns[i - 2]!;
    d += returns[i - 3]!;
  }
  const mean = (a + b + (c + d)) * inverseReturns;
  a = (returns[t - 16]! - mean) ** 2;
  b = (returns[t - 17]! - mean) ** 2;
  c = (returns[t - 18]! - mean) ** 2;
  d = 0;
  for (let i = t; i > t - 16; i -= 4) {
    const p = returns[i]! - mean;
    const q = returns[i - 1]! - mean;
    const r = returns[i - 2]! - mean;
    const s = returns[i - 3]! - mean;
    a += p * p;
    b += q * q;
    c += r * r;
    d += s * s;
  }
  out[VOLATILITY] = (a + b + (c + d)) * inverseReturns;
}

function annualise(out: Float64Array, periodsPerYear: number): void {
  out[VOLATILITY] = Math.sqrt(out[VOLATILITY]! * periodsPerYear);
  out[EWMA_VOLATILITY] = Math.sqrt(out[EWMA_VOLATILITY]! * periodsPerYear);
}

/**
 * The divisor of the capacity nearest to `length`, if one is near: the oldest block then starts to leave just when the
 * newest one is complete.
 */
function countedLength(capacity: number, length: number): number {
  for (let off = 0; off * 2 <= length; off++) {
    if (capacity % (length - off) === 0) return length - off;
    if (capacity % (length + off) === 0) return length + off;
  }
  return length;
}

function checkedCapacity(capacity: number): number {
  if (!(Number.isInteger(capacity) && capacity >= 1 && capacity <= 2 ** 28)) {
    throw new RangeError('capacity must be a whole number from 1 to 2^28');
  }
  return capacity;
}

function copyRing(ring: Float64Array, head: number, count: number, out: Float64Array): number {
  const first = Math.min(count, ring.length - head);
  out.set(ring.subarray(head, head + first));
  out.set(ring.subarray(0, count - first), first);
  return count;
}

/** The segments of a ring, oldest first, in an array with room for `slots`. */
function unrolled(ring: Float64Array, head: number, count: number, slots: number): Float64Array {
  const out = new Float64Array(slots * size);
  const from = head * size;
  const first = Math.min(count * size, ring.length - from);
  out.set(ring.subarray(from, from + first));
  out.set(ring.subarray(0, count * size - first), first);
  return out;
}
