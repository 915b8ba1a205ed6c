import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { formatDuration, parseDuration } from './duration.js';

describe('durations', () => {
  it('reads what Prometheus reads', () => {
    expect(parseDuration('5m')).toBe(300_000);
    expect(parseDuration('1h30m')).toBe(5_400_000);
    expect(parseDuration('0s')).toBe(0);
    for (const wrong of ['', '5', 'm', '5 m', '1.5h', '-5m', '5x']) expect(parseDuration(wrong)).toBeNull();
  });

  it('writes what it reads', () => {
    expect(formatDuration(3 * 86_400_000)).toBe('3d');
    fc.assert(
      fc.property(fc.nat({ max: 1e9 }), (ms) => {
        expect(parseDuration(formatDuration(ms))).toBe(ms);
      }),
    );
  });
});
