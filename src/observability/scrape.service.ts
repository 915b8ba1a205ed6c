import { Injectable } from '@nestjs/common';
import {
  metricOverflow,
  metricRefused,
  scrapeEventLoopSeconds,
  scrapeSeconds,
  scrapeSeries,
} from './catalogue/watching.js';
import { expose, noSlices } from './exposition.js';
import { type GaugeHandle, Metrics } from './metrics.js';
import type { CounterSeries } from './series.js';

/** Writes the scrape and what the scrape itself costs (seen on the next one). */
@Injectable()
export class ScrapeService {
  private readonly seconds: GaugeHandle;
  private readonly eventLoopSeconds: GaugeHandle;
  private readonly series: GaugeHandle;

  constructor(private readonly metrics: Metrics) {
    this.seconds = metrics.gauge(scrapeSeconds, {});
    this.eventLoopSeconds = metrics.gauge(scrapeEventLoopSeconds, {});
    this.series = metrics.gauge(scrapeSeries, {});
    const refused = metrics.counter(metricRefused, {}) as CounterSeries;
    metrics.beforeRead(() => {
      refused.setTotal(metrics.refused);
      for (const [metric, folded] of metrics.folded()) {
        (metrics.counter(metricOverflow, { metric }) as CounterSeries).setTotal(folded);
      }
    });
  }

  async text(openMetrics: boolean): Promise<string> {
    const start = performance.now();
    const slices = noSlices();
    const text = await expose(this.metrics, openMetrics, slices);
    this.seconds.set((performance.now() - start) / 1000);
    this.eventLoopSeconds.set(slices.eventLoopMs / 1000);
    this.series.set(slices.lines);
    return text;
  }
}
