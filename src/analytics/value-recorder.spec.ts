import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import type { MetricPoint } from '../domain/metric-point.js';
import { unavailable } from '../domain/problem.js';
import { Metrics } from '../observability/metrics.js';
import { AnalyticsEngine } from './analytics-engine.js';
import { AnalyticsMeter } from './analytics-meter.js';
import { ValueRecorder } from './value-recorder.js';

function setUp(refuse = false, intervalMs = 1_000) {
  const written: MetricPoint[] = [];
  const metrics = new Metrics();
  const errors: unknown[] = [];
  const writer = {
    append: async (points: readonly MetricPoint[]) => {
      if (refuse) throw unavailable('DATABASE_UNAVAILABLE', 'away');
      written.push(...points);
      return { stored: points.length, duplicates: 0, rejected: [] };
    },
  };
  const recorder = new ValueRecorder(
    writer,
    new AnalyticsMeter(metrics),
    intervalMs,
    (error) => errors.push(error),
    (state) => engine.state(state.id) === state,
  );
  const engine = new AnalyticsEngine();
  engine.applyChange({
    kind: 'put',
    portfolio: {
      id: 'P',
      name: 'P',
      currency: 'USD',
      positions: [{ symbol: 'A', quantity: 2 }],
      revision: 0,
      updatedAtMs: 0,
    },
  });
  const apply = (i: number, everyMs: number): void => {
    engine.beginBatch({ ingestedAtMs: 0, storedAtMs: 0 });
    engine.applyTick({
      symbol: 'A',
      price: 100 + (i % 7),
      tsMs: i * everyMs,
      size: null,
      sourceId: null,
      seq: i + 1,
    });
  };
  /** Ticks that are announced together. */
  const ticks = (from: number, to: number, everyMs: number): void => {
    for (let i = from; i < to; i++) apply(i, everyMs);
    for (const state of engine.takeChanged()) recorder.marked(state);
  };
  const tick = (i: number, everyMs: number): void => ticks(i, i + 1, everyMs);
  return { recorder, engine, written, metrics, errors, apply, ticks, tick };
}

describe('ValueRecorder', () => {
  it('records the value that stands when the ticks pause, unless its portfolio is gone', async () => {
    const { recorder, written, tick } = setUp(false, 40);
    const values = (): number[] => written.filter((p) => p.metricType === 'value').map(({ value }) => value);
    tick(0, 10);
    tick(1, 10);
    tick(2, 10);
    // Not while there may be newer ones.
    await sleep(20);
    expect(values()).toEqual([]);
    await sleep(250);
    expect(values()).toEqual([200, 204]);
    tick(10, 10);
    tick(11, 10);
    await recorder.stop();
    expect(values()).toEqual([200, 204, 206, 208]);
    const gone = setUp(false, 40);
    gone.tick(0, 10);
    gone.tick(1, 10);
    const { portfolio } = gone.engine.state('P')!;
    gone.engine.applyChange({ kind: 'deleted', portfolio });
    await sleep(250);
    expect(gone.written).toHaveLength(1);
  });

  it('takes the statistics of portfolios that begin together in turns', async () => {
    const { recorder, engine, written, tick } = setUp();
    for (let n = 1; n < 20; n++) {
      engine.applyChange({
        kind: 'put',
        portfolio: {
          id: `P${n}`,
          name: 'P',
          currency: 'USD',
          positions: [{ symbol: 'A', quantity: 1 }],
          revision: 0,
          updatedAtMs: 0,
        },
      });
    }
    for (let i = 0; i < 60; i++) tick(i, 1_000);
    await recorder.stop();
    const bySecond = Map.groupBy(
      written.filter(({ metricType, tsMs }) => metricType === 'volatility' && tsMs >= 20_000),
      ({ tsMs }) => tsMs,
    );
    expect([...bySecond.values()].map((points) => points.length)).toEqual(Array(40).fill(2));
  });

  it('records a value per second of source time, and statistics with every tenth', async () => {
    const { recorder, written, tick } = setUp();
    for (let i = 0; i < 100; i++) tick(i, 250);
    await recorder.stop();
    const values = written.filter((p) => p.metricType === 'value');
    // And the last, when it stops.
    expect(values.map((p) => p.tsMs)).toEqual([...Array.from({ length: 25 }, (_, i) => i * 1_000), 24_750]);
    expect(values[1]).toEqual({
      portfolioId: 'P',
      metricType: 'value',
      value: 208,
      tsMs: 1_000,
      metadata: null,
    });
    expect(written.filter((p) => p.metricType === 'volatility')).toHaveLength(2);
    expect(written.filter((p) => p.metricType === 'max_drawdown')).toHaveLength(2);
  });

  it('records what lies between where one announcement covers much source time', async () => {
    const { recorder, written, ticks } = setUp();
    ticks(0, 5_000, 1_000);
    ticks(5_000, 5_060, 1_000);
    await recorder.stop();
    const times = written.filter((p) => p.metricType === 'value').map((p) => p.tsMs / 1_000);
    expect(times.slice(0, 3)).toEqual([0, 50, 100]);
    expect(times.filter((t) => t < 5_000)).toHaveLength(100);
    expect(times.filter((t) => t >= 5_000)).toEqual(Array.from({ length: 60 }, (_, i) => 5_000 + i));
    expect(written.find((p) => p.tsMs === 50_000)).toMatchObject({ value: 2 * (100 + (50 % 7)) });
  });

  it('does not record again what the windows hold after a restart', async () => {
    const { recorder, engine, written, ticks, apply } = setUp();
    for (let i = 0; i < 100; i++) apply(i, 1_000);
    engine.takeChanged();
    recorder.resume(engine.allStates());
    ticks(100, 120, 1_000);
    await recorder.stop();
    const values = written.filter((p) => p.metricType === 'value');
    expect(values.map((p) => p.tsMs)).toEqual(Array.from({ length: 20 }, (_, i) => 100_000 + i * 1_000));
  });

  it('is bounded in rate, and counts what the store refuses', async () => {
    const { recorder, written, tick } = setUp();
    for (let i = 0; i < 10_000; i++) tick(i, 1_000);
    await recorder.stop();
    expect(written.length).toBeLessThan(4_000);
    const refused = setUp(true);
    refused.tick(1, 1_000);
    await refused.recorder.stop();
    expect(refused.errors).toHaveLength(1);
    expect(
      refused.metrics
        .read('tidewatch_analytics_recorded_points_total')
        .find((s) => s.labels.outcome === 'failed')?.value,
    ).toBe(1);
  });
});
