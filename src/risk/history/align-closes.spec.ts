import { describe, expect, it } from '@jest/globals';
import { alignCloses } from './align-closes.js';
import { ScenarioPanels } from './scenario-panels.js';

const closes = (symbol: string, days: number[]) => ({
  symbol,
  days: Int32Array.from(days),
  closes: Float64Array.from(days, (d) => 100 + d),
});

describe('alignCloses', () => {
  it('keeps the days that every symbol has, and counts the others', () => {
    const aligned = alignCloses(['A', 'B'], [closes('A', [1, 2, 3, 5, 8]), closes('B', [2, 3, 4, 5, 9])], 10);
    expect([...aligned.days]).toEqual([2, 3, 5]);
    expect(aligned.closes.map((c) => [...c])).toEqual([
      [102, 103, 105],
      [102, 103, 105],
    ]);
    expect([aligned.droppedDays, aligned.longestGapDays]).toEqual([1, 2]);
  });

  it('keeps the newest days only, and has none where calendars do not meet', () => {
    const two = [closes('A', [1, 2, 3, 4]), closes('B', [1, 2, 3, 4])];
    expect([...alignCloses(['A', 'B'], two, 2).days]).toEqual([3, 4]);
    expect(alignCloses(['A', 'B'], [closes('A', [1, 3]), closes('B', [2, 4])], 5).days).toHaveLength(0);
    expect(alignCloses([], [], 5).days).toHaveLength(0);
  });
});

describe('ScenarioPanels', () => {
  it('shares a column between portfolios, and frees it with the last', () => {
    const panels = new ScenarioPanels();
    const a = closes('A', [1, 2, 3]);
    const b = closes('B', [1, 2, 3]);
    const first = panels.lease(alignCloses(['A', 'B'], [a, b], 9));
    const second = panels.lease(alignCloses(['A'], [a], 9));
    expect(second.returns[0]).toBe(first.returns[0]);
    expect(panels.bytes).toBe(2 * 2 * 8);
    first.release();
    first.release();
    expect(panels.bytes).toBe(2 * 8);
    second.release();
    expect(panels.bytes).toBe(0);
  });

  it('does not share when a close was corrected', () => {
    const panels = new ScenarioPanels();
    const a = closes('A', [1, 2, 3]);
    const corrected = { ...a, closes: Float64Array.of(101, 102, 999) };
    const before = panels.lease(alignCloses(['A'], [a], 9));
    const after = panels.lease(alignCloses(['A'], [corrected], 9));
    expect(after.key).not.toBe(before.key);
    expect(after.returns[0]).not.toBe(before.returns[0]);
  });
});
