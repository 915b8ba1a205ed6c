import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { RowBounds, withOriginalIndices } from './row-bounds.js';
import type { RejectedRow } from './writer/row-target.js';

const day = 86_400_000;

describe('RowBounds', () => {
  const now = Date.UTC(2026, 0, 10);
  const keepFive = new RowBounds('ticks', { ticks: 5, metrics: null }, () => now);

  it('takes exactly what the retention would not drop, up to the horizon', () => {
    const at = (tsMs: number) => keepFive.check([{ tsMs }]).rejected[0]?.code ?? 'accepted';
    expect(at(now - 5 * day)).toBe('accepted');
    expect(at(now - 5 * day - 1)).toBe('TIMESTAMP_TOO_OLD');
    expect(at(now + 366 * day)).toBe('accepted');
    expect(at(now + 366 * day + 1)).toBe('TIMESTAMP_TOO_FAR_AHEAD');
    expect(at(Number.NaN)).not.toBe('accepted');
  });

  it('takes no moment further ahead than it is told', () => {
    const tenMinutes = new RowBounds(
      'ticks',
      { ticks: null, metrics: null },
      () => now,
      () => null,
      600_000,
    );
    const { rows, rejected } = tenMinutes.check([{ tsMs: now + 600_000 }, { tsMs: now + 600_001 }]);
    expect(rows).toEqual([{ tsMs: now + 600_000 }]);
    expect(rejected).toMatchObject([{ index: 1, code: 'TIMESTAMP_TOO_FAR_AHEAD' }]);
  });

  it('takes any time since 1970 when rows are kept for ever', () => {
    const forever = new RowBounds('ticks', { ticks: null, metrics: null }, () => now);
    expect(forever.check([{ tsMs: 0 }]).rejected).toEqual([]);
    expect(forever.check([{ tsMs: -1 }]).rejected).toHaveLength(1);
  });
});

describe('withOriginalIndices', () => {
  it('names rows by where the caller had them', () => {
    const row = (index: number): RejectedRow => ({ index, code: 'X', message: '' });
    fc.assert(
      fc.property(fc.array(fc.constantFrom('bad', 'refused', 'good')), (fates) => {
        const before = fates.flatMap((f, i) => (f === 'bad' ? [row(i)] : []));
        const sent = fates.flatMap((f) => (f === 'bad' ? [] : [f]));
        const later = sent.flatMap((f, i) => (f === 'refused' ? [row(i)] : []));
        const expected = fates.flatMap((f, i) => (f === 'good' ? [] : [i]));
        expect(withOriginalIndices(before, later).map((r) => r.index)).toEqual(expected);
      }),
    );
  });
});
