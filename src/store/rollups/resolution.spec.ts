import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { autoResolution, bucketAt, levelFor, nameOf, parseResolution } from './resolution.js';

const [minute, hour, day] = [60_000, 3_600_000, 86_400_000];

describe('resolutions', () => {
  it.each([
    ['raw', 'raw'],
    ['auto', 'auto'],
    ['1m', { widthMs: minute }],
    ['5 minutes', { widthMs: 5 * minute }],
    ['90m', { widthMs: 90 * minute }],
    ['1 hour', { widthMs: hour }],
    ['7d', { widthMs: 7 * day }],
    ['0m', null],
    ['10s', null],
    ['367d', null],
    ['5 parsecs', null],
    ['', null],
    ['1e3m', null],
  ])('reads %j', (text, expected) => {
    expect(parseResolution(text)).toEqual(expected);
  });

  it('are written as they are read', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 366 * 1440 }), (minutes) => {
        const resolution = { widthMs: minutes * minute };
        expect(parseResolution(nameOf(resolution))).toEqual(resolution);
      }),
    );
  });

  it('are put together from the coarsest roll-up that divides them', () => {
    expect(levelFor(7 * minute).table).toBe('metrics_1m');
    expect(levelFor(15 * minute).table).toBe('metrics_5m');
    expect(levelFor(90 * minute).table).toBe('metrics_5m');
    expect(levelFor(4 * hour).table).toBe('metrics_1h');
    expect(levelFor(7 * day).table).toBe('metrics_1d');
  });

  it('chosen automatically keep a series and the answer readable', () => {
    expect(autoResolution(5 * minute, 1)).toBe('raw');
    expect(autoResolution(day, 1)).toEqual({ widthMs: minute });
    expect(autoResolution(day, 80)).toEqual({ widthMs: 5 * minute });
    expect(autoResolution(30 * day, 1)).toEqual({ widthMs: hour });
    expect(autoResolution(3_650 * day, 1)).toEqual({ widthMs: day });
  });

  it('align buckets to a Monday, before and after it', () => {
    expect(new Date(bucketAt(Date.UTC(2026, 0, 7, 5), 7 * day)).getUTCDay()).toBe(1);
    expect(bucketAt(Date.UTC(1999, 11, 31, 23, 59), day)).toBe(Date.UTC(1999, 11, 31));
  });
});
