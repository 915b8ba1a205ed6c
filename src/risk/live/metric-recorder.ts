import { Injectable } from '@nestjs/common';
import { Config } from '../../config/config.js';
import { Lifecycle } from '../../lifecycle/lifecycle.js';
import { riskUnsaved } from '../../observability/catalogue/risk.js';
import { Metrics } from '../../observability/metrics.js';
import { RiskMetricWriter } from '../../store/metric.writer.js';
import { LiveRiskService } from './live-risk.service.js';
import { metricsOf, type RiskFigures } from './risk-figures.js';

/** Portfolios whose figures go into one append. */
const portfoliosPerAppend = 500;
/**
 * Portfolios stored per turn, so that ten thousand of them do not crowd out the ticks; the others come next, first
 * come first served.
 */
const portfoliosPerTurn = 1_000;

/** Stores live figures as risk metrics: the newest of each portfolio, at most once per `RISK_STORE_MS`. */
@Injectable()
export class MetricRecorder {
  /** A portfolio that changes again keeps its place. */
  private readonly changed = new Map<string, RiskFigures>();
  private writing = false;

  constructor(
    live: LiveRiskService,
    private readonly writer: RiskMetricWriter,
    private readonly metrics: Metrics,
    config: Config,
    lifecycle: Lifecycle,
  ) {
    live.onFigures((figures) => this.changed.set(figures.portfolioId, figures));
    live.onLoss((portfolioId) => this.changed.delete(portfolioId));
    const timer = setInterval(() => void this.write(), config.get('RISK_STORE_MS')).unref();
    lifecycle.onShutdown('stop-intake', 'risk metrics', () => {
      clearInterval(timer);
      return this.write();
    });
  }

  /** Writes what has changed since the last time. What the store refuses is counted; newer figures follow. */
  async write(): Promise<void> {
    if (this.writing) return;
    this.writing = true;
    const figures = [...this.changed.values()].slice(0, portfoliosPerTurn);
    for (const { portfolioId } of figures) this.changed.delete(portfolioId);
    try {
      for (let from = 0; from < figures.length; from += portfoliosPerAppend) {
        await this.append(figures.slice(from, from + portfoliosPerAppend));
      }
    } finally {
      this.writing = false;
    }
  }

  private async append(part: readonly RiskFigures[]): Promise<void> {
    const points = part.flatMap((f) =>
      [...metricsOf(f)].map(([metricType, value]) => ({
        portfolioId: f.portfolioId,
        metricType,
        value,
        tsMs: f.computedAtMs,
        metadata: null,
      })),
    );
    try {
      const { rejected } = await this.writer.append(points);
      if (rejected.length > 0) this.lost(rejected.length);
    } catch {
      // The writer has logged and counted why; a figure is only worth storing while it is the newest.
      this.lost(points.length);
    }
  }

  private lost(count: number): void {
    this.metrics.counter(riskUnsaved, { what: 'metric' }).inc(count);
  }
}
