import { describe, expect, it } from '@jest/globals';
import { Metrics } from '../observability/metrics.js';
import { AnalyticsEngine } from './analytics-engine.js';
import { AnalyticsMeter } from './analytics-meter.js';
import type { EngineFeed } from './engine-feed.js';
import { PerformanceWatch } from './performance-watch.js';

function setUp() {
  const engine = new AnalyticsEngine();
  const feed = { waitingTicks: 0, totals: { busyMs: 0, interruptions: 0, saturations: 0 } };
  const metrics = new Metrics();
  const warnings: unknown[] = [];
  let now = 0;
  const watch = new PerformanceWatch(
    engine,
    feed as EngineFeed,
    new AnalyticsMeter(metrics),
    (fields) => warnings.push(fields),
    () => now,
  );
  const second = (updates: number, waiting: number): void => {
    now += 1_000;
    engine.counts.updates += updates;
    engine.counts.applied += updates;
    feed.totals.busyMs += 400;
    if (waiting > 0) feed.totals.interruptions++;
    feed.waitingTicks = waiting;
    watch.look();
  };
  return { watch, metrics, warnings, second };
}

describe('PerformanceWatch', () => {
  it('warns of fewer than 1,000 updates a second while work is waiting, once in ten seconds', () => {
    const { watch, warnings, second, metrics } = setUp();
    second(5_000, 10);
    second(999, 10);
    expect(warnings).toEqual([{ rate: 999, waitingTicks: 10 }]);
    expect(watch.last.rate).toBe(999);
    expect(metrics.read('tidewatch_analytics_update_rate')[0]?.value).toBe(999);
    for (let i = 0; i < 9; i++) second(10, 10);
    expect(warnings).toHaveLength(1);
    second(10, 10);
    expect(warnings).toHaveLength(2);
  });

  it('does not judge an idle engine, or one that has done all there was', () => {
    const { watch, warnings, second, metrics } = setUp();
    second(3, 0);
    second(0, 0);
    second(500, 7);
    second(500, 0);
    expect(warnings).toEqual([]);
    expect(watch.last.rate).toBeNull();
    expect(metrics.read('tidewatch_analytics_update_rate')).toEqual([]);
  });

  it('knows the time per update and brings the counters along', () => {
    const { watch, second, metrics } = setUp();
    second(1_000, 0);
    expect(watch.last.updateMs).toBeCloseTo(0.4, 12);
    expect(metrics.read('tidewatch_analytics_updates_total')[0]?.value).toBe(1_000);
    expect(metrics.read('tidewatch_analytics_busy_seconds_total')[0]?.value).toBeCloseTo(0.4, 12);
  });
});
