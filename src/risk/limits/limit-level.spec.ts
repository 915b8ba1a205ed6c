import { describe, expect, it } from '@jest/globals';
import { storedLimit } from '../../../test/factories/stored-limit.js';
import type { StoredLimit } from '../../store/limit.repository.js';
import { advance, effectiveThresholds, restoredLevel, utilisation } from './limit-level.js';

function levels(limit: StoredLimit, values: (number | null)[], stepMs = 1_000): string[] {
  let state = restoredLevel(limit);
  return values.map((value, i) => {
    state = advance(state, limit, value, i * stepMs);
    return state.level;
  });
}

describe('a limit', () => {
  it('warns, breaches and clears exactly beyond its thresholds', () => {
    expect(levels(storedLimit(), [79, 80, 80.1, 100, 100.1, 100, 80])).toEqual([
      'normal',
      'normal',
      'warning',
      'warning',
      'breach',
      'warning',
      'normal',
    ]);
  });

  it('with a clear threshold does not flap', () => {
    const limit = storedLimit({ clearThreshold: 90 });
    expect(levels(limit, [101, 99, 101, 91, 90, 73, 72])).toEqual([
      'breach',
      'breach',
      'breach',
      'breach',
      'warning',
      'warning',
      'normal',
    ]);
  });

  it('with a dwell time ignores what does not last', () => {
    const limit = storedLimit({ dwellMs: 2_500 });
    expect(levels(limit, [101, 50, 101, 101, 101, 101, 50, 50, 50, 50])).toEqual([
      'normal',
      'normal',
      'normal',
      'normal',
      'normal',
      'breach',
      'breach',
      'breach',
      'breach',
      'normal',
    ]);
  });

  it('without a value is unknown, and remembers that it was in breach', () => {
    const limit = storedLimit({ clearThreshold: 90 });
    expect(levels(limit, [101, null, 95])).toEqual(['breach', 'unknown', 'breach']);
  });

  it('goes on after a restart where it was', () => {
    const limit = storedLimit({ clearThreshold: 90 });
    const state = advance(restoredLevel(limit), limit, 101, 0);
    const machine: unknown = JSON.parse(JSON.stringify(state));
    const again = storedLimit({ clearThreshold: 90, machine, status: 'breach' });
    expect(advance(restoredLevel(again), again, 95, 10).level).toBe('breach');
    expect(levels(storedLimit({ clearThreshold: 90 }), [95])).toEqual(['warning']);
  });

  it('raised for a time moves every threshold by the same factor, and falls back by itself', () => {
    const limit = storedLimit({ clearThreshold: 90, temporaryThreshold: 150, temporaryUntilMs: 5_000 });
    expect(effectiveThresholds(limit, 4_999)).toEqual({
      threshold: 150,
      warning: 120,
      clear: 135,
      temporary: true,
    });
    expect(utilisation(75, limit, 4_999)).toBe(0.5);
    expect(effectiveThresholds(limit, 5_000)).toMatchObject({ threshold: 100, temporary: false });
    expect(levels(limit, [110, 110, 110, 110, 110, 110, 110])).toEqual([
      ...new Array<string>(5).fill('normal'),
      'breach',
      'breach',
    ]);
  });
});
