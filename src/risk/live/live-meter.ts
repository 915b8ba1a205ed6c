import {
  riskLivePortfolios,
  riskOldestFigure,
  riskPublished,
  riskStateBytes,
  riskStateEvictions,
  riskStateFailures,
  riskUpdates,
  riskUpdateTime,
} from '../../observability/catalogue/risk.js';
import type { Metrics } from '../../observability/metrics.js';

/** What is measured about the live states. */
export class LiveMeter {
  readonly updates;
  readonly published;
  readonly stateFailures;
  readonly updateTime;
  private readonly evictions;

  constructor(
    metrics: Metrics,
    watch: {
      readonly live: () => number;
      readonly waiting: () => number;
      readonly bytes: () => { readonly panels: number; readonly portfolios: number; readonly paths: number };
      readonly oldestMs: () => number | null;
    },
  ) {
    this.updates = metrics.counter(riskUpdates, {});
    this.published = metrics.counter(riskPublished, {});
    this.stateFailures = metrics.counter(riskStateFailures, {});
    this.updateTime = metrics.histogram(riskUpdateTime, {});
    this.evictions = {
      portfolios: metrics.counter(riskStateEvictions, { part: 'portfolios' }),
      paths: metrics.counter(riskStateEvictions, { part: 'paths' }),
    };
    metrics.gaugeFrom(riskLivePortfolios, { state: 'live' }, watch.live);
    metrics.gaugeFrom(riskLivePortfolios, { state: 'waiting' }, watch.waiting);
    for (const part of ['panels', 'portfolios', 'paths'] as const) {
      metrics.gaugeFrom(riskStateBytes, { part }, () => watch.bytes()[part]);
    }
    metrics.gaugeFrom(riskOldestFigure, {}, () => {
      const oldest = watch.oldestMs();
      return oldest === null ? null : oldest / 1000;
    });
  }

  evicted(part: 'portfolios' | 'paths'): void {
    this.evictions[part].inc();
  }
}
