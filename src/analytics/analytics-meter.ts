import { Injectable } from '@nestjs/common';
import * as specs from '../observability/catalogue/analytics.js';
import { type CounterHandle, type HistogramHandle, Metrics } from '../observability/metrics.js';

/** The metrics of this stage, bound once. */
@Injectable()
export class AnalyticsMeter {
  readonly ticks: Readonly<Record<'applied' | 'correction' | 'late' | 'ignored', CounterHandle>>;
  readonly updates: CounterHandle;
  readonly busySeconds: CounterHandle;
  readonly saturations: CounterHandle;
  readonly applySeconds: HistogramHandle;
  readonly publishSeconds: HistogramHandle;
  readonly waitSeconds: HistogramHandle;
  readonly publications: CounterHandle;
  readonly conflated: CounterHandle;
  readonly evictions: CounterHandle;
  readonly recorded: Readonly<Record<'written' | 'dropped' | 'failed', CounterHandle>>;

  constructor(readonly metrics: Metrics) {
    const ticks = (outcome: 'applied' | 'correction' | 'late' | 'ignored') =>
      metrics.counter(specs.analyticsTicks, { outcome });
    this.ticks = {
      applied: ticks('applied'),
      correction: ticks('correction'),
      late: ticks('late'),
      ignored: ticks('ignored'),
    };
    this.updates = metrics.counter(specs.analyticsUpdates, {});
    this.busySeconds = metrics.counter(specs.analyticsBusySeconds, {});
    this.saturations = metrics.counter(specs.analyticsQueueSaturations, {});
    this.applySeconds = metrics.histogram(specs.analyticsApplySeconds, {});
    this.publishSeconds = metrics.histogram(specs.analyticsPublishSeconds, {});
    this.waitSeconds = metrics.histogram(specs.analyticsWaitSeconds, {});
    this.publications = metrics.counter(specs.analyticsPublications, {});
    this.conflated = metrics.counter(specs.analyticsConflated, {});
    this.evictions = metrics.counter(specs.analyticsWindowEvictions, {});
    const recorded = (outcome: 'written' | 'dropped' | 'failed') =>
      metrics.counter(specs.analyticsRecorded, { outcome });
    this.recorded = {
      written: recorded('written'),
      dropped: recorded('dropped'),
      failed: recorded('failed'),
    };
  }
}
