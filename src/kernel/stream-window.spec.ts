import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { batchStatistics } from './batch-statistics.js';
import { blocksMargin, cutKey } from './block-cuts.js';
import { standardDeviation } from './standard-deviation.js';
import { StreamWindow } from './stream-window.js';
import {
  FIGURE,
  type FigureName,
  figureCount,
  figureNames,
  type WindowStatistics,
} from './window-statistics.js';

/** Scale below which a difference of this figure is rounding: a mean of ±1e15 that cancels has no digits left. */
function scale(name: FigureName, s: WindowStatistics): number {
  const size = Math.max(Math.abs(s.max ?? 0), Math.abs(s.min ?? 0));
  const spread = (s.max ?? 0) - (s.min ?? 0);
  if (name === 'mean' || name === 'ewmaMean') return size;
  if (name === 'trend') return spread / s.count;
  if (name === 'std' || name === 'stdSample') return spread / Math.sqrt(s.count);
  return 0;
}

/** Deviations below about 1e-154 have squares that a double cannot hold: there the window answers 0. */
const smallestSpread = 1e-150;

function expectSame(stream: WindowStatistics, batch: WindowStatistics, tolerance: number): void {
  expect(stream.count).toBe(batch.count);
  expect(stream.reasons).toEqual(batch.reasons);
  for (const name of figureNames) {
    const a = stream[name];
    const b = batch[name];
    if (a === null || b === null) expect([name, a]).toEqual([name, b]);
    else {
      const error = Math.abs(a - b) / Math.max(Math.abs(b), scale(name, batch), smallestSpread);
      if (!(a === b || error <= tolerance)) throw new Error(`${name}: ${a} in the stream, ${b} in the batch`);
    }
  }
}

const pick = fc.constantFrom(1e15, -1e15, 1e9, 1e9 + 1e-3, 1e-9, -3, 0, 1, 1, 1, 100.01, 99.99);
// Squares of anything smaller leave the range of a double: no deviation has digits there.
const wide = fc.double({ min: -1e9, max: 1e9, noNaN: true }).map((x) => (Math.abs(x) < 1e-140 ? 0 : x));
const hostile = fc.oneof(
  fc.array(pick, { minLength: 1, maxLength: 300 }),
  fc.array(wide, { minLength: 1, maxLength: 300 }),
  fc.array(fc.double({ min: 0.5, max: 2, noNaN: true }), { minLength: 1, maxLength: 300 }),
  fc
    .array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 1, maxLength: 300 })
    .map((steps) => steps.map((s) => 1e9 + s * 1e-3)),
);

describe('StreamWindow', () => {
  it('agrees with the batch result after every value, over hostile series and any capacity', () => {
    fc.assert(
      fc.property(hostile, fc.integer({ min: 1, max: 130 }), (values, capacity) => {
        const window = new StreamWindow({ capacity });
        values.forEach((x, i) => {
          window.push(x);
          expectSame(
            window.statistics(252),
            batchStatistics(values.slice(0, i + 1), { capacity, periodsPerYear: 252 }),
            1e-12,
          );
        });
      }),
      { numRuns: 60 },
    );
  });

  it('agrees with the batch result on windows long enough for groups of blocks', () => {
    const values = walk(30_000, 3);
    for (const capacity of [997, 4_096, 10_000]) {
      const window = new StreamWindow({ capacity });
      const keyed = new StreamWindow({ capacity });
      values.forEach((x, i) => {
        window.push(x);
        keyed.push(x, Number.NaN, cutKey(i * 7 + 12_345));
        if (i % 1_777 !== 0) return;
        const batch = batchStatistics(values.subarray(0, i + 1), { capacity });
        expectSame(window.statistics(), batch, 1e-13);
        expectSame(keyed.statistics(), batch, 1e-13);
      });
    }
  });

  it('keeps no trace of a spike of 1e15 that has left', () => {
    const window = new StreamWindow({ capacity: 100 });
    const clean = new StreamWindow({ capacity: 100 });
    const values = walk(450, 5);
    values.forEach((x, i) => {
      window.push(i % 150 === 20 ? 1e15 : i % 150 === 21 ? -1e15 : x);
      clean.push(x);
      if (i > 149 && i % 150 >= 122) expect(window.statistics()).toEqual(clean.statistics());
    });
  });

  it('keeps the digits of noise of 1e-3 on an offset of 1e9', () => {
    const noise = walk(20_000, 11).map((x) => (x - 100) * 1e-3);
    const offset = noise.map((x) => 1e9 + x);
    // What is left of the noise after the offset has rounded it: that is what the window is given.
    const kept = offset.map((x) => x - 1e9);
    const window = new StreamWindow({ capacity: 10_000 });
    const small = new StreamWindow({ capacity: 10_000 });
    for (let i = 0; i < offset.length; i++) {
      window.push(offset[i]!);
      small.push(kept[i]!);
    }
    expect(relative(window.statistics().std!, small.statistics().std!)).toBeLessThan(1e-14);
    expect(relative(window.statistics().trend!, small.statistics().trend!)).toBeLessThan(1e-13);
    // Returns too: differences of the noise, over the offset.
    const newest = kept.length - 1;
    for (const [p, momentum] of [
      [1, window.statistics().momentum1],
      [5, window.statistics().momentum5],
      [10, window.statistics().momentum10],
    ] as const) {
      const exact = (kept[newest]! - kept[newest - p]!) / offset[newest - p]!;
      expect(relative(momentum!, exact)).toBeLessThan(1e-15);
    }
    const returns = offset.slice(-19).map((_, i) => (kept[newest - i]! - kept[newest - i - 1]!) / 1e9);
    expect(relative(window.statistics().volatility!, standardDeviation(returns, 0))).toBeLessThan(1e-9);
  });

  it('gives a constant series a deviation of exactly 0, whatever the constant', () => {
    for (const x of [0.1, 1e9 + 0.1, -1e15, 1e-300]) {
      const window = new StreamWindow({ capacity: 50 });
      for (let i = 0; i < 137; i++) {
        window.push(x);
        const s = window.statistics();
        expect([s.std, s.mean, s.ewmaMean, s.maxDrawdown]).toEqual([0, x, x, 0]);
        if (i >= 9) expect(s.trend).toBe(0);
        if (i >= 19) expect(s.volatility).toBe(0);
      }
    }
  });

  it('gives the same bits wherever the stream began when values carry their sequence number', () => {
    const values = walk(40_000, 17);
    const long = new StreamWindow({ capacity: 10_000 });
    for (let i = 0; i < values.length; i++) long.push(values[i]!, Number.NaN, cutKey(i * 3));
    for (const start of [30_000 - blocksMargin, 25_001, 12_345]) {
      const late = new StreamWindow({ capacity: 10_000 });
      for (let i = start; i < values.length; i++) late.push(values[i]!, Number.NaN, cutKey(i * 3));
      expect(late.statistics()).toEqual(long.statistics());
    }
  });

  it('peeks at a value that is then not there', () => {
    fc.assert(
      fc.property(hostile, fc.integer({ min: 1, max: 70 }), (values, capacity) => {
        const window = new StreamWindow({ capacity });
        for (const x of values) {
          const before = window.statistics();
          const peeked = window.peek(x);
          expect(window.statistics()).toEqual(before);
          window.push(x);
          expectSame(peeked, window.statistics(), 1e-12);
        }
      }),
      { numRuns: 40 },
    );
  });

  it('says what is missing instead of giving 0', () => {
    const window = new StreamWindow({ capacity: 100 });
    expect(window.statistics()).toMatchObject({
      ready: false,
      need: 20,
      have: 0,
      mean: null,
      reasons: { mean: { code: 'warming_up', need: 1, have: 0 } },
    });
    for (let i = 0; i < 9; i++) window.push(100 + i);
    const s = window.statistics();
    expect(s.trend).toBeNull();
    expect(s.reasons.trend).toEqual({ code: 'warming_up', need: 10, have: 9 });
    expect(s.mean).toBe(104);
    expect(s.momentum5).toBe(5 / 103);
    expect(s.reasons.momentum10).toEqual({ code: 'warming_up', need: 11, have: 9 });
  });

  it('names a return on 0 and a drawdown of a series that is not positive', () => {
    const window = new StreamWindow({ capacity: 100 });
    window.push(0);
    window.push(5);
    const s = window.statistics();
    expect(s.momentum1).toBeNull();
    expect(s.reasons.momentum1).toEqual({ code: 'zero_value' });
    expect(s.reasons.maxDrawdownFraction).toEqual({ code: 'not_positive' });
    expect(s.maxDrawdown).toBe(0);
  });

  it('tells a quotient out of range from a return on 0', () => {
    const quotient = new StreamWindow({ capacity: 100 });
    for (let i = 0; i < 30; i++) quotient.push(i % 2 === 0 ? 1e-300 : 1e300);
    const square = new StreamWindow({ capacity: 100 });
    for (let i = 0; i < 30; i++) square.push(i % 2 === 0 ? -1e-100 : -1e100);
    const difference = new StreamWindow({ capacity: 100 });
    for (const x of [-1.7e308, 1.7e308]) difference.push(x);
    expect(difference.statistics().reasons.momentum1).toEqual({ code: 'overflow' });
    expect(quotient.statistics().reasons).toMatchObject({
      momentum1: { code: 'overflow' },
      volatility: { code: 'overflow' },
      ewmaVolatility: { code: 'overflow' },
    });
    expect(square.statistics().momentum1).toBeCloseTo(1e200, -188);
    expect(square.statistics().reasons.volatility).toEqual({ code: 'overflow' });
  });

  it('does not speak of warming up where the window never holds what a figure needs', () => {
    const window = new StreamWindow({ capacity: 7 });
    for (let i = 0; i < 6; i++) window.push(100 + i);
    expect(window.statistics()).toMatchObject({ ready: false, need: 7, have: 6 });
    window.push(106);
    const s = window.statistics();
    expect(s).toMatchObject({ ready: true, need: 7, have: 7 });
    expect(s.reasons).toEqual({
      trend: { code: 'window_too_short', need: 10, capacity: 7 },
      volatility: { code: 'window_too_short', need: 20, capacity: 7 },
      momentum10: { code: 'window_too_short', need: 11, capacity: 7 },
    });
    expect(batchStatistics([1, 2]).reasons.trend).toEqual({ code: 'warming_up', need: 10, have: 2 });
  });

  it('does not call values equal whose differences are too small to be squared', () => {
    for (const values of [
      [1e-200, 2e-200],
      [5e-324, 1e-323],
    ]) {
      const window = new StreamWindow({ capacity: 100 });
      for (const x of values) window.push(x);
      for (const s of [window.statistics(), batchStatistics(values, { capacity: 100 })]) {
        expect([s.std, s.stdSample]).toEqual([null, null]);
        expect(s.reasons).toEqual({
          std: { code: 'underflow' },
          stdSample: { code: 'underflow' },
          trend: { code: 'warming_up', need: 10, have: 2 },
          volatility: { code: 'warming_up', need: 20, have: 2 },
          momentum5: { code: 'warming_up', need: 6, have: 2 },
          momentum10: { code: 'warming_up', need: 11, have: 2 },
        });
      }
    }
  });

  it('refuses what is not finite and stays as it was', () => {
    const window = new StreamWindow({ capacity: 3 });
    window.push(1);
    const before = window.statistics();
    // As JavaScript without types may pass them.
    const notNumbers = [null, undefined, '2', true] as unknown as number[];
    for (const x of [Number.NaN, Number.POSITIVE_INFINITY, ...notNumbers]) {
      expect(() => window.push(x)).toThrow(RangeError);
      expect(() => window.peek(x)).toThrow(RangeError);
    }
    expect(window.statistics()).toEqual(before);
    expect(() => new StreamWindow({ capacity: 0 })).toThrow(RangeError);
    expect(() => new StreamWindow({ lambda: 1 })).toThrow(RangeError);
  });

  it('holds a span of time as well as a number of values', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.double({ min: 1, max: 2, noNaN: true }), fc.integer({ min: 0, max: 400 })), {
          minLength: 1,
          maxLength: 400,
        }),
        fc.integer({ min: 1, max: 300 }),
        (steps, capacity) => {
          const window = new StreamWindow({ capacity, spanMs: 1_000 });
          const all: { x: number; t: number }[] = [];
          let t = 0;
          for (const [x, gap] of steps) {
            t += gap;
            window.push(x, t);
            all.push({ x, t });
            const inside = all.filter((p) => p.t > t - 1_000).slice(-capacity);
            expectSame(
              window.statistics(),
              batchStatistics(
                inside.map((p) => p.x),
                { capacity },
              ),
              1e-12,
            );
            expect(window.timeAt(0)).toBe(inside[0]!.t);
          }
          const left = window.size;
          expect(window.expireBefore(t + 5_000)).toBe(left);
          expect(window.statistics().mean).toBeNull();
          window.push(1.5, t + 5_000);
          expect(window.statistics().mean).toBe(1.5);
        },
      ),
      { numRuns: 40 },
    );
    const window = new StreamWindow({ spanMs: 10 });
    window.push(1, 100);
    expect(() => window.push(1, 99)).toThrow('time goes back');
    expect(() => window.push(1)).toThrow('time must be finite');
  });

  it('shrinks and grows its capacity, keeping the newest values', () => {
    const values = walk(3_000, 23);
    const window = new StreamWindow({ capacity: 1_000 });
    const resized = [1_000, 300, 5, 2_000];
    values.forEach((x, i) => {
      if (i % 700 === 699) window.resize(resized[Math.floor(i / 700)]!);
      window.push(x);
    });
    expect(window.capacity).toBe(2_000);
    const held = new Float64Array(window.size);
    expect(window.copyValues(held)).toBe(window.size);
    expect([...held]).toEqual([...values.slice(-held.length)]);
    expectSame(window.statistics(), { ...batchStatistics(held), capacity: 2_000 }, 1e-13);
    window.clear();
    expect(window.size).toBe(0);
    window.push(7);
    expect(window.statistics()).toMatchObject({ mean: 7, std: 0, count: 1 });
  });

  it('gives the same bits whatever memory it begins with', () => {
    const values = walk(2_500, 37);
    const windows = [64, 65, 100, 127].map((allocate) => new StreamWindow({ capacity: 1_000, allocate }));
    for (const [i, x] of values.entries()) {
      for (const window of windows) window.push(x);
      if (i % 97 !== 0) continue;
      const [first, ...others] = windows.map((window) => window.statistics());
      for (const other of others) expect(other).toEqual(first);
    }
    expect(windows.map(({ allocated }) => allocated)).toEqual([1_000, 1_000, 1_000, 1_000]);
  });

  it('forks into a window of its own', () => {
    const window = new StreamWindow({ capacity: 100 });
    for (const x of walk(250, 29)) window.push(x);
    const fork = window.fork();
    expect(fork.statistics()).toEqual(window.statistics());
    const before = window.statistics();
    for (const x of walk(130, 31)) fork.push(x);
    expect(window.statistics()).toEqual(before);
    expect(fork.quantiles().count).toBe(100);
  });

  it('keeps its quantile sketch equal to a sketch of exactly its values', () => {
    fc.assert(
      fc.property(
        hostile,
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 1, max: 9 }),
        (values, capacity, every) => {
          const window = new StreamWindow({ capacity });
          values.forEach((x, i) => {
            window.push(x);
            if (i % every !== 0) return;
            const fresh = new StreamWindow({ capacity });
            for (const y of values.slice(Math.max(0, i + 1 - capacity), i + 1)) fresh.push(y);
            expect([...window.quantiles().buckets()]).toEqual([...fresh.quantiles().buckets()]);
          });
        },
      ),
      { numRuns: 40 },
    );
  });

  it('reads the raw figures in the documented order', () => {
    const window = new StreamWindow({ capacity: 10 });
    window.push(1);
    window.push(3);
    const out = new Float64Array(figureCount);
    window.readInto(out);
    expect(out[FIGURE.mean]).toBe(2);
    expect(out[FIGURE.std]).toBe(1);
    expect(out[FIGURE.count]).toBe(2);
    expect(out[FIGURE.trend]).toBeNaN();
  });
});

const relative = (a: number, b: number): number => Math.abs(a - b) / Math.abs(b);

/** A seeded random walk around 100. */
function walk(length: number, seed: number): Float64Array {
  const out = new Float64Array(length);
  let state = seed;
  let x = 100;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(1_664_525, state) + 1_013_904_223) >>> 0;
    x *= 1 + 0.001 * (state / 2 ** 32 - 0.5);
    out[i] = x;
  }
  return out;
}
