import { describe, expect, it } from '@jest/globals';
import { Metrics } from '../../observability/metrics.js';
import { CoverageSeries } from './coverage-series.js';

const reading = (exceptions: number) => ({ exceptions, pValue: 0.5, atMs: 1_000, lastDay: 20_000 });

describe('CoverageSeries', () => {
  it('beyond 200 portfolios those with the most exceptions have the series', () => {
    const metrics = new Metrics();
    const series = new CoverageSeries(metrics);
    const shown = () =>
      new Map(
        metrics.read('tidewatch_risk_var_exceptions').map((s) => [s.labels.portfolio as string, s.value]),
      );
    for (let i = 0; i < 200; i++) series.show(`P${i}`, reading(2 + (i % 3)));
    series.show('CALM', reading(2));
    expect(shown().has('CALM')).toBe(false);
    series.show('BAD', reading(9));
    expect([shown().get('BAD'), shown().has('P0'), shown().size]).toEqual([9, false, 200]);
    series.show('P1', reading(5));
    expect(shown().get('P1')).toBe(5);
    series.remove('BAD');
    series.remove('BAD');
    series.show('CALM', reading(0));
    expect([shown().has('BAD'), shown().get('CALM')]).toEqual([false, 0]);
  });
});
