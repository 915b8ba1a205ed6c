import { blockCuts } from './block-cuts.js';
import { defaultLambda, type EwmaWeights, ewmaWeights } from './ewma-weights.js';
import { QuantileSketch } from './quantile-sketch.js';
import { keepReturn, returnPlaces, returnsKept, returnsVariance } from './recent-returns.js';
import { copyRing, doubles, grown } from './ring.js';
import { append, copySegment, fold, join, layOutBefore, single } from './segment.js';
import { SegmentBlocks } from './segment-blocks.js';
import { readJoined } from './segment-figures.js';
import { segmentSize } from './segment-layout.js';
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
  /**
   * Values that there is memory for at first, 64 to 127; it grows eightfold when they are there, later it doubles. Thousands of
   * windows that fill in step should not all grow at the same value.
   */
  readonly allocate?: number;
  /** Sub-buckets of the quantile sketch per power of two, as a power of two: the error is 2^-(bits+1). Default 14. */
  readonly sketchBits?: number;
}

export const defaultCapacity = 10_000;
const firstSlots = 64;
// Local copies: V8 folds these into the code, imported ones it loads at every use.
const size = segmentSize;
const volatilityNeeds = returnsKept + 1;
const MOMENTUM_1 = FIGURE.momentum1;
const MOMENTUM_5 = FIGURE.momentum5;
const MOMENTUM_10 = FIGURE.momentum10;
const VOLATILITY = FIGURE.volatility;
const EWMA_VOLATILITY = FIGURE.ewmaVolatility;

/** In place of a key: blocks end after a fixed number of values. */
const counted = -1;
const momenta = [
  [MOMENTUM_1, 1],
  [MOMENTUM_5, 5],
  [MOMENTUM_10, 10],
] as const;
/** Where the segments of `hot` are. */
const TAIL = 0;
const BASE = size;
const SCRATCH = 2 * size;
/** The return from the value before the tail to its first one. */
const BRIDGE = 3 * size;
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
 * With keys that name the value itself (a sequence number through `cutKey`), where blocks end depends only on
 * the values' keys. Two windows that hold the same values then have the same blocks and the same bits in their
 * answers, wherever their streams began, if that was `blocksMargin` or more values before the oldest one held.
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

  private readonly hot = new Float64Array(3 * size + 1);
  /** The aggregate that starts k values before the end of the oldest block is at (k − 1) · size. */
  private front = new Float64Array(0);
  private frontLeft = 0;
  /** Complete blocks; `openValues` follow them. */
  private readonly blocks: SegmentBlocks;
  private openValues = 0;

  private readonly returns = new Float64Array(returnPlaces);
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
    const cuts = blockCuts(capacity);
    this.blockLength = cuts.blockLength;
    this.groupLength = cuts.groupLength;
    this.blockMask = cuts.blockMask;
    this.groupMask = cuts.groupMask;
    const { allocate = firstSlots } = options;
    const initial = Math.min(capacity, allocate);
    this.values = doubles(initial);
    if (options.keepTimes || spanMs !== Number.POSITIVE_INFINITY) this.times = doubles(initial);
    this.blocks = new SegmentBlocks(this.weights, allocate >> 4);
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
      this.blocks.bytes +
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
   * @param key decides whether a block ends with this value, see `cutKey`; by default they are counted off
   * @throws RangeError when `x` or a needed `timeMs` is not finite, or the time goes back in a time window
   */
  push(x: number, timeMs = Number.NaN, key = counted): void {
    // Small enough to be inlined: a fraction that is handed on as an argument would be allocated.
    const { input } = this;
    input[0] = x;
    // `null` from JavaScript has become 0.
    if (input[0] !== x) input[0] = Number.NaN;
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
    // Not x / before − 1: the difference of neighbouring values is exact, and a quotient near 1 has lost its digits.
    if (this.total > 0) keepReturn(this.returns, this.total, (x - input[2]!) / input[2]!);
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
      if (this.openValues >= this.blockLength)
        this.closeBlock(this.blocks.openBlocks + 1 >= this.groupLength);
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
      this.blocks.trim();
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
    this.blocks.clear();
    this.openValues = 0;
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
    const ago5 = count > 5 ? values[tail < 6 ? tail + slots - 6 : tail - 6]! : Number.NaN;
    const ago10 = count > 10 ? values[tail < 11 ? tail + slots - 11 : tail - 11]! : Number.NaN;
    out[MOMENTUM_5] = (x - ago5) / ago5;
    out[MOMENTUM_10] = (x - ago10) / ago10;
    if (count >= volatilityNeeds) returnsVariance(out, VOLATILITY, this.returns, this.total);
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
    // Its place holds no return that counts.
    if (this.total > 0) keepReturn(this.returns, this.total, (x - input[2]!) / input[2]!);
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
      const before = count > back ? this.at(this.count - back) : Number.NaN;
      figures[figure] = (x - before) / before;
    }
    if (count >= volatilityNeeds) returnsVariance(figures, VOLATILITY, this.returns, this.total + 1);
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

  /** Mean time between the values, ms: the series' own sampling period. NaN where times are not kept or do not advance. */
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
      blocks: this.blocks.copy(),
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
    let taken = this.blocks.takeOldest();
    if (taken === 0) {
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
    this.blocks.joinAll(hot, BASE);
    if (this.openValues > 0) {
      this.foldOpenValues();
      join(hot, BASE, hot, BASE, hot, SCRATCH, weights, true);
    }
    hot[TAIL] = 0;
    let slot = this.head + this.frontLeft - 1;
    if (slot >= values.length) slot -= values.length;
    layOutBefore(front, this.frontLeft, hot, BASE, values, slot, weights);
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
    const { hot, blocks } = this;
    this.foldOpenValues();
    blocks.add(hot, SCRATCH, closesGroup);
    this.openValues = 0;
    if (this.frontLeft === 0) {
      // Nothing has left yet: the complete blocks are the base, the tail starts anew.
      blocks.joinAll(hot, BASE);
      hot[TAIL] = 0;
    } else if (hot[TAIL]! > longestTail) this.layOut();
  }

  private grow(): void {
    this.reallocate(Math.min(this.limit, grown(this.values.length, firstSlots)));
  }

  private reallocate(length: number): void {
    const values = doubles(length);
    copyRing(this.values, this.head, this.count, values);
    if (this.times !== undefined) {
      const times = doubles(length);
      copyRing(this.times, this.head, this.count, times);
      this.times = times;
    }
    this.values = values;
    this.head = 0;
    this.tail = this.count === length ? 0 : this.count;
  }
}

function annualise(out: Float64Array, periodsPerYear: number): void {
  out[VOLATILITY] = Math.sqrt(out[VOLATILITY]! * periodsPerYear);
  out[EWMA_VOLATILITY] = Math.sqrt(out[EWMA_VOLATILITY]! * periodsPerYear);
}

function checkedCapacity(capacity: number): number {
  if (!(Number.isInteger(capacity) && capacity >= 1 && capacity <= 2 ** 28)) {
    throw new RangeError('capacity must be a whole number from 1 to 2^28');
  }
  return capacity;
}
