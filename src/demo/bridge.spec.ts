import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { bridgeDay, minSteps } from './bridge.js';
import { readMarketDays } from './market-data.js';
import { seededRandom } from './seeded-random.js';

const dayRange = fc
  .tuple(
    fc.double({ min: 0.01, max: 5_000, noNaN: true }),
    fc.double({ min: 0, max: 0.3, noNaN: true }),
    fc.double({ min: 0, max: 1, noNaN: true }),
    fc.double({ min: 0, max: 1, noNaN: true }),
  )
  .map(([low, range, o, c]) => {
    const high = low * (1 + range);
    const within = (share: number): number => Math.min(high, Math.max(low, low + share * (high - low)));
    return { low, high, open: within(o), close: within(c) };
  });

describe('the prices of a day', () => {
  it('begin at the open, end at the close, touch high and low and never leave them', () => {
    fc.assert(
      fc.property(dayRange, fc.integer({ min: minSteps, max: 600 }), fc.integer(), (day, steps, seed) => {
        const prices = bridgeDay(day, steps, seededRandom(seed));
        expect(prices).toHaveLength(steps);
        expect(prices[0]).toBe(day.open);
        expect(prices[steps - 1]).toBe(day.close);
        expect(Math.max(...prices)).toBe(day.high);
        expect(Math.min(...prices)).toBe(day.low);
      }),
      { numRuns: 300 },
    );
  });

  it('are the same for the same seed and others for another', () => {
    const day = { open: 100, high: 103, low: 98, close: 101 };
    const prices = bridgeDay(day, 600, seededRandom(7));
    expect(bridgeDay(day, 600, seededRandom(7))).toEqual(prices);
    expect(bridgeDay(day, 600, seededRandom(8))).not.toEqual(prices);
  });

  it('move in small steps most of the time', () => {
    const day = { open: 100, high: 103, low: 98, close: 101 };
    const prices = bridgeDay(day, 600, seededRandom(1));
    const moves = Array.from(prices.subarray(1), (p, i) => Math.abs(p - prices[i]!)).sort((a, b) => a - b);
    expect(moves[300]).toBeLessThan(0.3);
    expect(moves[300]).toBeGreaterThan(0);
  });

  it('need room for all four', () => {
    expect(() => bridgeDay({ open: 1, high: 1, low: 1, close: 1 }, 3, seededRandom(1))).toThrow(RangeError);
  });

  it('exist for every real day of the demo', () => {
    const days = readMarketDays();
    expect(days).toHaveLength(1_260);
    expect([days[0]?.date, days.at(-1)?.date]).toEqual(['2013-05-13', '2018-05-11']);
    for (const { bars } of days) {
      for (const bar of Object.values(bars)) {
        const prices = bridgeDay(bar, 60, seededRandom(3));
        expect([prices[0], Math.max(...prices), Math.min(...prices), prices[59]]).toEqual([
          bar.open,
          bar.high,
          bar.low,
          bar.close,
        ]);
      }
    }
  });
});
