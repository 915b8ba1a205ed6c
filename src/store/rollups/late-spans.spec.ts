import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { spansOf } from './late-spans.js';

const minute = 60_000;

describe('spansOf', () => {
  it('covers every row, in whole minutes that never overlap', () => {
    const row = fc.record({
      portfolioId: fc.constantFrom('A', 'B', 'C'),
      tsMs: fc.integer({ min: -1e9, max: 1e12 }),
    });
    fc.assert(
      fc.property(fc.array(row), (rows) => {
        const spans = spansOf(rows);
        for (const r of rows) {
          const holding = spans.filter(
            (s) => s.portfolioId === r.portfolioId && s.fromMs <= r.tsMs && r.tsMs < s.toMs,
          );
          expect(holding).toHaveLength(1);
        }
        for (const s of spans) {
          expect(s.fromMs % minute).toBeCloseTo(0);
          expect(s.toMs).toBeGreaterThan(s.fromMs);
        }
      }),
    );
  });

  it('is one span for a day in time order, and two for rows a year apart', () => {
    const day = Array.from({ length: 1440 }, (_, i) => ({ portfolioId: 'A', tsMs: i * minute }));
    expect(spansOf(day)).toEqual([{ portfolioId: 'A', fromMs: 0, toMs: 1440 * minute }]);
    const apart = [0, 365 * 1440].map((m) => ({ portfolioId: 'A', tsMs: m * minute }));
    expect(spansOf(apart)).toHaveLength(2);
    expect(spansOf([])).toEqual([]);
  });
});
