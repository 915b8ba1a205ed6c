import * as specs from '../observability/catalogue/analytics.js';
import type { GaugeHandle } from '../observability/metrics.js';
import type { AnalyticsEngine } from './analytics-engine.js';
import type { AnalyticsMeter } from './analytics-meter.js';
import type { EngineFeed } from './engine-feed.js';

/** Below this rate, with work waiting, the engine is too slow for what it is given. */
const slowestRate = 1_000;
const warnEveryMs = 10_000;

export interface WatchReading {
  /** Updates (or ticks, where those are more) per second since the last look; `null` while nothing waited. */
  readonly rate: number | null;
  /** Mean time per update since the last look, ms; `null` without updates. */
  readonly updateMs: number | null;
  readonly waitingTicks: number;
}

/**
 * Looks once a second at how fast the engine works. Rates are judged only when work waited at both ends of the second
 * and the clock interrupted it in between: an idle engine is not slow.
 */
export class PerformanceWatch {
  last: WatchReading = { rate: null, updateMs: null, waitingTicks: 0 };
  private readonly rate: GaugeHandle;
  private readonly before = {
    atMs: 0,
    updates: 0,
    ticks: 0,
    busyMs: 0,
    interruptions: 0,
    waiting: 0,
    counts: {} as Record<string, number>,
  };
  private warnedMs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly engine: AnalyticsEngine,
    private readonly feed: EngineFeed,
    private readonly meter: AnalyticsMeter,
    private readonly warn: (fields: { rate: number; waitingTicks: number }, message: string) => void,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.before.atMs = now();
    this.rate = meter.metrics.gauge(specs.analyticsUpdateRate, {});
    this.rate.clear();
  }

  look(): WatchReading {
    const { before, engine, feed } = this;
    const atMs = this.now();
    const { counts } = engine;
    const ticks = counts.applied + counts.late + counts.ignored;
    const seconds = (atMs - before.atMs) / 1_000;
    const updates = counts.updates - before.updates;
    const waited =
      before.waiting > 0 && feed.waitingTicks > 0 && feed.totals.interruptions > before.interruptions;
    const rate = waited && seconds > 0 ? Math.max(updates, ticks - before.ticks) / seconds : null;
    this.last = {
      rate,
      updateMs: updates > 0 ? (feed.totals.busyMs - before.busyMs) / updates : null,
      waitingTicks: feed.waitingTicks,
    };
    this.publish(updates);
    if (rate !== null && rate < slowestRate && atMs - this.warnedMs >= warnEveryMs) {
      this.warnedMs = atMs;
      this.warn(
        { rate: Math.round(rate), waitingTicks: feed.waitingTicks },
        `fewer than ${slowestRate} analytics updates per second while work is waiting`,
      );
    }
    Object.assign(before, {
      atMs,
      ticks,
      updates: counts.updates,
      busyMs: feed.totals.busyMs,
      interruptions: feed.totals.interruptions,
      waiting: feed.waitingTicks,
    });
    return this.last;
  }

  /** Brings the counters up to the engine's totals. */
  private publish(updates: number): void {
    const { meter, engine, feed, before } = this;
    if (this.last.rate === null) this.rate.clear();
    else this.rate.set(this.last.rate);
    meter.updates.inc(updates);
    meter.busySeconds.inc((feed.totals.busyMs - before.busyMs) / 1_000);
    const { counts } = engine;
    const totals = {
      applied: counts.applied - counts.corrections,
      correction: counts.corrections,
      late: counts.late,
      ignored: counts.ignored,
      saturations: feed.totals.saturations,
      evictions: engine.budget.evictions,
    };
    const since = (name: keyof typeof totals): number => {
      const difference = totals[name] - (before.counts[name] ?? 0);
      before.counts[name] = totals[name];
      return difference;
    };
    meter.ticks.applied.inc(since('applied'));
    meter.ticks.correction.inc(since('correction'));
    meter.ticks.late.inc(since('late'));
    meter.ticks.ignored.inc(since('ignored'));
    meter.saturations.inc(since('saturations'));
    meter.evictions.inc(since('evictions'));
  }
}
