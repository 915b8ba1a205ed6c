import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Coverage, partitionName, spanAt, widthFor } from './partition-plan.js';

const utc = (text: string): number => Date.parse(`${text}Z`);

describe('partition widths', () => {
  it('follow from the retention, so that the number of partitions is bounded', () => {
    expect(widthFor(null)).toBe('month');
    expect(widthFor(365)).toBe('month');
    expect(widthFor(90)).toBe('day');
    expect(widthFor(7)).toBe('day');
    expect(widthFor(1)).toBe('hour');
  });

  it('are calendar months, days and hours in UTC', () => {
    expect(spanAt(utc('2024-02-29T23:59:59.999'), 'month')).toEqual({
      fromMs: utc('2024-02-01T00:00'),
      toMs: utc('2024-03-01T00:00'),
    });
    expect(spanAt(utc('2013-12-31T12:00'), 'month').toMs).toBe(utc('2014-01-01T00:00'));
    expect(spanAt(utc('1969-12-31T23:30'), 'day').fromMs).toBe(utc('1969-12-31T00:00'));
    expect(spanAt(utc('2024-02-29T23:59'), 'hour').fromMs).toBe(utc('2024-02-29T23:00'));
  });

  it('name partitions by their beginning', () => {
    expect(partitionName('ticks', spanAt(utc('2013-10-07T14:00'), 'month'))).toBe('ticks_p20131001');
    expect(partitionName('ticks', spanAt(utc('2013-10-07T14:00'), 'hour'))).toBe('ticks_p2013100714');
  });
});

describe('Coverage', () => {
  const hour = 3_600_000;

  it('plans partitions that cover the moment and never overlap, whatever widths came before', () => {
    const width = fc.constantFrom('hour' as const, 'day' as const, 'month' as const);
    const moment = fc.integer({ min: utc('2013-01-01T00:00'), max: utc('2013-12-31T00:00') });
    fc.assert(
      fc.property(fc.array(fc.tuple(moment, width), { maxLength: 60 }), (wanted) => {
        const coverage = new Coverage();
        for (const [ts, w] of wanted) {
          if (coverage.covers(ts)) continue;
          const range = coverage.plan(ts, w);
          expect(ts).toBeGreaterThanOrEqual(range.fromMs);
          expect(ts).toBeLessThan(range.toMs);
          coverage.add(range);
          expect(coverage.covers(ts)).toBe(true);
        }
        const { all } = coverage;
        for (let i = 1; i < all.length; i++) expect(all[i]!.fromMs).toBeGreaterThanOrEqual(all[i - 1]!.toMs);
      }),
    );
  });

  it('counts the partitions ahead until the first gap', () => {
    const coverage = new Coverage([
      { fromMs: 0, toMs: hour },
      { fromMs: hour, toMs: 2 * hour },
      { fromMs: 2 * hour, toMs: 3 * hour },
      { fromMs: 9 * hour, toMs: 10 * hour },
    ]);
    expect(coverage.aheadOf(hour / 2)).toBe(2);
    expect(coverage.aheadOf(2.5 * hour)).toBe(0);
    expect(coverage.aheadOf(5 * hour)).toBe(0);
    expect(new Coverage().aheadOf(0)).toBe(0);
  });

  it('forgets a removed partition', () => {
    const coverage = new Coverage([{ fromMs: 0, toMs: hour }]);
    expect(coverage.covers(1)).toBe(true);
    coverage.remove({ fromMs: 0, toMs: hour });
    expect(coverage.covers(1)).toBe(false);
  });
});
