import { batchStatistics } from '../../src/kernel/batch-statistics.js';
import { StreamWindow } from '../../src/kernel/stream-window.js';
import { exactStatistics, relativeErrors } from './exact-statistics.js';
import { hostileSeries } from './hostile-series.js';
import { row } from './measure.js';

/** Largest relative error over the hostile series, against exact rational arithmetic (BigInt fractions). */
export function accuracy(length: number): void {
  console.log(`\nAccuracy: largest relative error against exact rational arithmetic, ${length} values each`);
  row('series', 'mean', 'std', 'trend', 'batch std');
  const worst = { mean: 0, std: 0, trend: 0 };
  for (const [name, values] of hostileSeries(length)) {
    const errors = { mean: 0, std: 0, trend: 0, batch: 0 };
    for (const capacity of [10, 100, 1_000]) {
      const window = new StreamWindow({ capacity });
      for (let i = 0; i < values.length; i++) {
        window.push(values[i]!);
        if (i % 331 !== 330) continue;
        const held = values.subarray(Math.max(0, i + 1 - capacity), i + 1);
        const exact = exactStatistics(held);
        const stream = relativeErrors(window.statistics(), exact);
        errors.mean = Math.max(errors.mean, stream.mean);
        errors.std = Math.max(errors.std, stream.std);
        errors.trend = Math.max(errors.trend, stream.trend);
        errors.batch = Math.max(errors.batch, relativeErrors(batchStatistics(held), exact).std);
      }
    }
    row(name, ...[errors.mean, errors.std, errors.trend, errors.batch].map((e) => e.toExponential(1)));
    worst.mean = Math.max(worst.mean, errors.mean);
    worst.std = Math.max(worst.std, errors.std);
    worst.trend = Math.max(worst.trend, errors.trend);
  }
  row('largest', ...[worst.mean, worst.std, worst.trend].map((e) => e.toExponential(1)));
  console.log('a mean that cancels is measured against the largest magnitude, a slope against range / n');
}
