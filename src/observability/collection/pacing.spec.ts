import { describe, expect, it } from '@jest/globals';
import { Pacing } from './pacing.js';

describe('Pacing', () => {
  it('spreads first runs over a second and later ones by a tenth of the interval', () => {
    const pacing = new Pacing({ intervalMs: 60_000 }, 60_000);
    expect([0, 0.5, 0.999].map((random) => pacing.firstDelayMs(random))).toEqual([0, 500, 999]);
    expect([0, 0.5, 1].map((random) => pacing.nextDelayMs(0, random))).toEqual([54_000, 60_000, 66_000]);
  });

  it('never backs off beyond sixteen times', () => {
    const pacing = new Pacing({ intervalMs: 1_000 }, 1_000);
    for (let i = 0; i < 100; i++) pacing.afterRun(true);
    expect(pacing.effectiveMs(0)).toBe(16_000);
  });

  it('tries what fails at least twice a minute, whatever its pace is stretched to', () => {
    const pacing = new Pacing({ intervalMs: 10_000 }, 10_000);
    for (let i = 0; i < 50; i++) pacing.afterResult(true);
    expect([pacing.effectiveMs(0), pacing.paceMs(0)]).toEqual([30_000, 10_000]);
    pacing.intervalMs = 60_000;
    expect(pacing.effectiveMs(0)).toBe(60_000);
    pacing.intervalMs = 10_000;
    pacing.afterResult(false);
    expect([pacing.effectiveMs(0), pacing.failures]).toEqual([10_000, 0]);
  });

  it('does not let a burst undo a back-off', () => {
    const pacing = new Pacing({ intervalMs: 1_000, burst: { alerts: [], intervalMs: 100 } }, 1_000);
    pacing.afterRun(true);
    pacing.afterRun(true);
    pacing.burst(500, 0);
    expect(pacing.effectiveMs(0)).toBe(200);
    expect(pacing.effectiveMs(500)).toBe(2_000);
  });
});
