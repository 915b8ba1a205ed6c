import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { LatencyWindows } from './latency-windows.js';
import { RollingWindow } from './rolling-window.js';

describe('LatencyWindows', () => {
  it('answers null, never 0, before anything was recorded', () => {
    expect(new LatencyWindows().read('api_response_time')).toMatchObject({
      count: 0,
      average: null,
      p50: null,
      p99: null,
      max: null,
      last: null,
      lastAtMs: null,
    });
  });

  it('forgets what is older than the window', () => {
    let now = 1_000_000;
    const windows = new LatencyWindows(() => now);
    windows.record('var_time', 4);
    now += 30_000;
    windows.record('var_time', 1);
    expect(windows.read('var_time', 60)).toMatchObject({ count: 2, average: 2.5, max: 4, last: 1 });
    now += 40_000;
    expect(windows.read('var_time', 60)).toMatchObject({ count: 1, average: 1, max: 1 });
    now += 300_000;
    expect(windows.read('var_time', 300)).toMatchObject({ count: 0, average: null, lastAtMs: 1_030_000 });
  });

  it('adds messages up to a rate', () => {
    let now = 5_000_000;
    const windows = new LatencyWindows(() => now);
    for (let second = 0; second < 10; second++) {
      windows.record('websocket_throughput', 1_200);
      now += 1_000;
    }
    expect(windows.read('websocket_throughput', 10).perSecond).toBeCloseTo(1_200, -2);
  });

  it('gives quantiles within 1.6 % of the exact ones, whatever the values', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 1e-5, max: 1e9, noNaN: true }), { minLength: 1, maxLength: 300 }),
        (values) => {
          const window = new RollingWindow(() => 0);
          for (const value of values) window.add(value);
          const sorted = [...values].sort((a, b) => a - b);
          const reading = window.read(60);
          for (const [q, got] of [
            [0.5, reading.p50],
            [0.95, reading.p95],
            [0.99, reading.p99],
          ] as const) {
            const exact = sorted[Math.ceil(q * sorted.length) - 1] as number;
            expect(Math.abs((got as number) - exact) / exact).toBeLessThan(0.0157);
          }
        },
      ),
      { numRuns: 50 },
    );
  });

  it('ignores NaN and negative values', () => {
    const window = new RollingWindow(() => 0);
    window.add(Number.NaN);
    window.add(-1);
    expect(window.read(60).count).toBe(0);
  });
});
