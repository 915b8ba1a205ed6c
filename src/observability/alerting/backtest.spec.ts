import { describe, expect, it } from '@jest/globals';
import { backtest, heldBetween } from './backtest.js';

const minute = 60_000;
const series = (values: readonly (number | null)[]) =>
  values.map((value, i) => ({ value, atMs: i * minute }));

describe('backtest', () => {
  const spec = { direction: 'above', threshold: 10, clearThreshold: 8, forMs: 2 * minute } as const;

  it('says when the rule would have fired, how bad it was and when it would have ended', () => {
    const result = backtest(spec, series([1, 11, 12, 15, 20, 9, 8, 1]));
    expect(result.episodes).toEqual([
      { pendingAtMs: minute, firedAtMs: 3 * minute, resolvedAtMs: 6 * minute, firedValue: 15, peak: 20 },
    ]);
    expect(result).toMatchObject({
      nearMisses: 0,
      samples: 8,
      unknown: 0,
      firingMs: 3 * minute,
      state: 'resolved',
    });
  });

  it('counts what nearly fired and what could not be judged', () => {
    const result = backtest(spec, series([11, 1, 11, null, 11, 11, 11]));
    expect(result).toMatchObject({ nearMisses: 2, unknown: 1, state: 'firing' });
    expect(result.episodes).toEqual([
      { pendingAtMs: 4 * minute, firedAtMs: 6 * minute, resolvedAtMs: null, firedValue: 11, peak: 11 },
    ]);
  });

  it('has nothing to say about no samples', () => {
    expect(backtest(spec, [])).toMatchObject({
      episodes: [],
      samples: 0,
      fromMs: null,
      toMs: null,
      state: 'inactive',
    });
  });
});

describe('thinned samples', () => {
  it('hold until the next one, but not for ever', () => {
    const samples = [
      { value: 1, atMs: 0 },
      { value: 2, atMs: 25 },
      { value: 3, atMs: 200 },
    ];
    expect([...heldBetween(samples, 10, 50)].map(({ value, atMs }) => [atMs, value])).toEqual([
      [0, 1],
      [10, 1],
      [20, 1],
      [25, 2],
      [200, 3],
    ]);
  });
});
