import { batchStatistics } from '../../src/kernel/batch-statistics.js';
import { StreamWindow } from '../../src/kernel/stream-window.js';
import { type Errors, exactStatistics, relativeErrors } from './exact-statistics.js';
import { hostileSeries } from './hostile-series.js';
import { row } from './measure.js';

/** Largest relative error over the hostile series, against exact rational arithmetic (BigInt fractions). */
export function accuracy(length: number): void {
  console.log(`\nAccuracy: largest relative error against exact rational arithmetic, ${length} values each`);
  const figures = ['mean', 'std', 'trend', 'volatility', 'momentum'] as const;
  row('series', ...figures, 'batch std');
  const worst = noErrors();
  for (const [name, values] of hostileSeries(length)) {
    const errors = noErrors();
    let batchStd = 0;
    for (const capacity of [10, 100, 1_000]) {
      const window = new StreamWindow({ capacity });
      for (let i = 0; i < values.length; i++) {
        window.push(values[i]!);
        if (i % 331 !== 330) continue;
        const held = values.subarray(Math.max(0, i + 1 - capacity), i + 1);
        const exact = exactStatistics(held);
        const stream = relativeErrors(window.statistics(), exact);
        for (const figure of figures) errors[figure] = Math.max(errors[figure], stream[figure]);
        batchStd = Math.max(batchStd, relativeErrors(batchStatistics(held), exact).std);
      }
    }
    row(name, ...[...figures.map((figure) => errors[figure]), batchStd].map((e) => e.toExponential(1)));
    for (const figure of figures) worst[figure] = Math.max(worst[figure], errors[figure]);
  }
  row('largest', ...figures.map((figure) => worst[figure].toExponential(1)));
  console.log(
    'a mean that cancels is measured against the largest magnitude, a slope against range / n, a volatility against the largest return',
  );
}

const noErrors = (): Errors => ({ mean: 0, std: 0, trend: 0, volatility: 0, momentum: 0 });
