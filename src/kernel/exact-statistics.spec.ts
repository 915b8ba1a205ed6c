import { describe, expect, it } from '@jest/globals';
import { exactStatistics, relativeErrors } from '../../bench/analytics/exact-statistics.js';
import { hostileSeries } from '../../bench/analytics/hostile-series.js';
import { batchStatistics } from './batch-statistics.js';
import { StreamWindow } from './stream-window.js';

describe('mean, deviation, slope and returns against exact rational arithmetic', () => {
  for (const [name, values] of hostileSeries(1_500)) {
    it(`keeps 14 digits of ${name}`, () => {
      for (const capacity of [10, 64, 500]) {
        const window = new StreamWindow({ capacity });
        for (let i = 0; i < values.length; i++) {
          window.push(values[i]!);
          if (i % 487 !== 486) continue;
          const held = values.subarray(Math.max(0, i + 1 - capacity), i + 1);
          const exact = exactStatistics(held);
          for (const got of [window.statistics(), batchStatistics(held)]) {
            const errors = relativeErrors(got, exact);
            expect(errors.mean).toBeLessThan(1e-15);
            expect(errors.std).toBeLessThan(1e-14);
            expect(errors.trend).toBeLessThan(1e-14);
            expect(errors.volatility).toBeLessThan(1e-14);
            expect(errors.momentum).toBeLessThan(1e-15);
          }
        }
      }
    });
  }
});
