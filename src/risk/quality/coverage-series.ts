import {
  riskBacktestTime,
  riskHistoryAge,
  riskKupiec,
  riskVarExceptions,
} from '../../observability/catalogue/risk.js';
import type { Metrics } from '../../observability/metrics.js';

/** Portfolios with series of their own: each has four. */
const maxPortfolios = 200;

export interface CoverageReading {
  readonly exceptions: number;
  readonly pValue: number;
  readonly atMs: number;
  /** Last day of the history, days since 1970-01-01. */
  readonly lastDay: number | null;
}

/**
 * Prometheus series of the backtests of portfolios. A label has a limit; beyond it the portfolios with the most
 * exceptions have the series, so that a rule over them misses none that it is for.
 */
export class CoverageSeries {
  private readonly exceptions = new Map<string, number>();

  constructor(private readonly metrics: Metrics) {}

  show(portfolio: string, { exceptions, pValue, atMs, lastDay }: CoverageReading): void {
    if (!this.makeRoom(portfolio, exceptions)) return;
    this.exceptions.set(portfolio, exceptions);
    const labels = { portfolio };
    this.metrics.gauge(riskVarExceptions, labels).set(exceptions);
    this.metrics.gauge(riskKupiec, labels).set(pValue);
    this.metrics.gauge(riskBacktestTime, labels).set(atMs / 1000);
    if (lastDay !== null) this.metrics.gauge(riskHistoryAge, labels).set(lastDay * 86_400);
  }

  remove(portfolio: string): void {
    if (!this.exceptions.delete(portfolio)) return;
    for (const spec of [riskVarExceptions, riskKupiec, riskBacktestTime, riskHistoryAge]) {
      this.metrics.remove(spec, { portfolio });
    }
  }

  private makeRoom(portfolio: string, exceptions: number): boolean {
    if (this.exceptions.has(portfolio) || this.exceptions.size < maxPortfolios) return true;
    let fewest: [string, number] | null = null;
    for (const shown of this.exceptions) if (fewest === null || shown[1] < fewest[1]) fewest = shown;
    if (fewest === null || fewest[1] >= exceptions) return false;
    this.remove(fewest[0]);
    return true;
  }
}
