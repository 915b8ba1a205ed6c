import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ScenarioMemory } from './scenario-memory.js';

describe('ScenarioMemory', () => {
  it('adds what a loop adds, for any number of assets and scenarios, any number of times', () => {
    const change = fc.double({ min: -1e6, max: 1e6, noNaN: true });
    const rounds = fc.array(fc.dictionary(fc.nat(20).map(String), change), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 21 }), fc.integer({ min: 1, max: 37 }), rounds, (n, s, all) => {
        const memory = new ScenarioMemory(n, s);
        for (let i = 0; i < n * s; i++) memory.returns[i] = Math.sin(i) / 50;
        const expected = new Float64Array(s);
        for (const round of all) {
          const assets = Object.keys(round)
            .map(Number)
            .filter((a) => a < n);
          memory.add(
            assets,
            assets.map((a) => round[a]!),
          );
          for (const a of assets) {
            for (let t = 0; t < s; t++) expected[t] = expected[t]! + round[a]! * memory.returns[a * s + t]!;
          }
        }
        const zero = new Float64Array(n);
        const more = memory.shifted([0], [3]);
        for (let t = 0; t < s; t++) {
          expect(Math.abs(memory.pnl[t]! - expected[t]!)).toBeLessThan(1e-8);
          expect(Math.abs(more[t]! - expected[t]! - 3 * memory.returns[t]!)).toBeLessThan(1e-8);
          expect(memory.revalued(zero.fill(1, n - 1))[t]).toBe(memory.returns[(n - 1) * s + t]);
        }
        expect(memory.returns[0]).toBe(0);
      }),
      { numRuns: 100 },
    );
  });

  it('refuses what no 32-bit address reaches', () => {
    expect(() => new ScenarioMemory(12_000, 100_000)).toThrow(RangeError);
  });
});
