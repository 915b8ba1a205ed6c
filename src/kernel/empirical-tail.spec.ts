import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { golden, relativeError } from '../../test/golden/risk/golden.js';
import { empiricalTail } from './empirical-tail.js';
import { historicalExpectedShortfall } from './historical-expected-shortfall.js';
import { historicalVar } from './historical-var.js';
import { portfolioReturns } from './portfolio-returns.js';
import type { QuantileType } from './quantile-position.js';
import { TailTracker } from './tail-tracker.js';

const market = portfolioReturns(golden.market.returns, golden.market.weights);

describe('historical VaR and expected shortfall', () => {
  it.each(golden.historical.rows)('equal numpy at $confidence', (row) => {
    const first = empiricalTail(market, row.confidence);
    const second = empiricalTail(market, row.confidence, { shortfall: 'acerbi_tasche' });
    expect(
      relativeError(
        [first.var, first.expectedShortfall, second.expectedShortfall],
        [row.var, row.mean_beyond_var, row.acerbi_tasche],
      ),
    ).toBeLessThan(1e-12);
  });

  it.each(golden.historical_quantlib.rows)('equal QuantLib at $confidence', (row) => {
    const { pnl } = golden.historical_quantlib;
    const sorted = Float64Array.from(pnl).sort();
    const rank = Math.round(1000 * (1 - row.confidence));
    // QuantLib's running sum of weights passes 1 − p one observation late or in time, depending on rounding.
    const candidates = [historicalVar(pnl, row.confidence, 1), -sorted[rank]!];
    expect(candidates).toContain(row.var);
  });

  it('is a positive number for a loss and negative when even the tail gains', () => {
    expect(historicalVar([-3, -1, 0, 1, 2], 0.75)).toBe(1);
    expect(historicalExpectedShortfall([-3, -1, 0, 1, 2], 0.75)).toBe(2);
    expect(historicalVar([1, 2, 3], 0.9)).toBeLessThan(0);
    expect(Object.is(historicalVar([0, 0, 0], 0.9), 0)).toBe(true);
    expect(empiricalTail([-5], 0.99)).toEqual({ var: 5, expectedShortfall: 5 });
  });

  it('refuses no scenarios, NaN and a confidence in percent', () => {
    expect(() => historicalVar([], 0.99)).toThrow(RangeError);
    expect(() => historicalVar([1, Number.NaN], 0.99)).toThrow(RangeError);
    expect(() => historicalVar([1, 2], 95)).toThrow(/between 0 and 1/);
  });

  it('shortfall is never below VaR, VaR grows with confidence and scales with the position', () => {
    const scenarios = fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), {
      minLength: 1,
      maxLength: 300,
    });
    const type = fc.integer({ min: 1, max: 9 }) as fc.Arbitrary<QuantileType>;
    fc.assert(
      fc.property(
        scenarios,
        fc.double({ min: 0.5, max: 0.999, noNaN: true }),
        type,
        (pnl, c, quantileType) => {
          const { var: v, expectedShortfall } = empiricalTail(pnl, c, { quantileType });
          expect(expectedShortfall).toBeGreaterThanOrEqual(v - 1e-9 * Math.abs(v));
          expect(historicalVar(pnl, Math.min(0.9995, c + 0.05), quantileType)).toBeGreaterThanOrEqual(v);
          expect(
            historicalVar(
              pnl.map((x) => 2 * x),
              c,
              quantileType,
            ),
          ).toBeCloseTo(2 * v, 6);
        },
      ),
    );
  });
});

describe('TailTracker', () => {
  it.each([
    [1000, 0.99, 7],
    [1000, 0.95, 3],
    [20, 0.99, 6],
    [5000, 0.9, 1],
  ] as [number, number, QuantileType][])(
    'follows %d moving scenarios at %d, type %d',
    (n, confidence, quantileType) => {
      const pnl = Float64Array.from({ length: n }, (_, i) => (Math.sin(i * 12.9898) * 43758.5453) % 1);
      const tracker = new TailTracker(n, confidence, { quantileType });
      for (let step = 0; step < 300; step++) {
        const jump = step % 97 === 0 ? 50 : 0.01;
        for (let i = 0; i < n; i++) pnl[i] = pnl[i]! + jump * Math.sin(i * 0.37 + step);
        const actual = tracker.tail(pnl);
        const expected = empiricalTail(pnl, confidence, { quantileType });
        expect(actual.var).toBe(expected.var);
        expect(actual.expectedShortfall).toBeCloseTo(expected.expectedShortfall, 10);
      }
      expect(tracker.fullSelections).toBeLessThan(60);
    },
  );

  it('is exact when every scenario is equal', () => {
    const pnl = new Float64Array(500).fill(-2);
    const tracker = new TailTracker(500, 0.99);
    expect(tracker.tail(pnl)).toEqual({ var: 2, expectedShortfall: 2 });
    pnl.fill(0);
    expect(tracker.tail(pnl)).toEqual({ var: 0, expectedShortfall: 0 });
  });
});
