import type { MetricPoint } from '../domain/metric-point.js';
import { periodsPerYear } from '../kernel/periods-per-year.js';
import { FIGURE, figureCount } from '../kernel/window-statistics.js';
import type { MetricWriter } from '../store/metric.writer.js';
import type { AnalyticsMeter } from './analytics-meter.js';
import type { PortfolioState } from './portfolio-state.js';

/** Metric types of portfolio history that this stage writes. */
const recordedMetrics = ['value', 'volatility', 'max_drawdown'] as const;

/** Points per second over all portfolios: with more, each portfolio is recorded less often. */
const maxPointsPerSecond = 2_000;
/** Points that wait to be written; further ones are dropped and counted. */
const maxWaiting = 20_000;
const flushMs = 250;
const batchPoints = 5_000;
/** Statistics move slowly: they go with every tenth value. */
const statisticsEvery = 10;

interface Last {
  asOfMs: number;
  count: number;
}

/**
 * Writes portfolio values (and now and then volatility and drawdown) to the store, so that there is a history. At most
 * one point per portfolio and interval of source time, within a bounded rate; what cannot be written is counted.
 */
export class ValueRecorder {
  private readonly last = new WeakMap<PortfolioState, Last>();
  private readonly figures = new Float64Array(figureCount);
  private waiting: MetricPoint[] = [];
  private allowance = maxPointsPerSecond;
  private refilledMs = performance.now();
  private timer: NodeJS.Timeout | undefined;
  private writing: Promise<void> | undefined;

  constructor(
    private readonly writer: Pick<MetricWriter, 'append'>,
    private readonly meter: AnalyticsMeter,
    private readonly intervalMs: number,
    private readonly onError: (error: unknown) => void,
  ) {}

  /** Called when a portfolio was marked. */
  marked(state: PortfolioState): void {
    const { value, asOfMs } = state;
    if (!Number.isFinite(value) || Number.isNaN(asOfMs) || state.batch === null) return;
    const last = this.last.get(state);
    if (last && asOfMs < last.asOfMs + this.intervalMs) return;
    if (!this.allowed()) return;
    const count = (last?.count ?? 0) + 1;
    this.last.set(state, { asOfMs, count });
    this.add(state.id, 'value', value, asOfMs);
    if (count % statisticsEvery === 0) this.addStatistics(state);
    this.timer ??= setTimeout(() => void this.flush(), flushMs);
  }

  /** Writes everything that waits. */
  async stop(): Promise<void> {
    clearTimeout(this.timer);
    while (this.waiting.length > 0 || this.writing) await this.flush();
  }

  private addStatistics({ id, window, asOfMs }: PortfolioState): void {
    const perYear = periodsPerYear(window.samplingPeriodMs());
    window.readInto(this.figures, perYear);
    const volatility = this.figures[FIGURE.volatility]!;
    if (Number.isFinite(volatility)) this.add(id, 'volatility', volatility, asOfMs);
    const drawdown = this.figures[FIGURE.maxDrawdownFraction]!;
    if (Number.isFinite(drawdown)) this.add(id, 'max_drawdown', drawdown, asOfMs);
  }

  private add(
    portfolioId: string,
    metricType: (typeof recordedMetrics)[number],
    value: number,
    tsMs: number,
  ): void {
    if (this.waiting.length >= maxWaiting) this.meter.recorded.dropped.inc();
    else this.waiting.push({ portfolioId, metricType, value, tsMs, metadata: null });
  }

  private allowed(): boolean {
    const now = performance.now();
    this.allowance = Math.min(
      maxPointsPerSecond,
      this.allowance + ((now - this.refilledMs) * maxPointsPerSecond) / 1_000,
    );
    this.refilledMs = now;
    if (this.allowance < 1) return false;
    this.allowance--;
    return true;
  }

  private async flush(): Promise<void> {
    this.timer = undefined;
    if (this.writing) return this.writing;
    const points = this.waiting.slice(0, batchPoints);
    if (points.length === 0) return;
    this.waiting = this.waiting.slice(points.length);
    this.writing = this.write(points);
    await this.writing;
    this.writing = undefined;
    if (this.waiting.length > 0) this.timer ??= setTimeout(() => void this.flush(), 1);
  }

  /** A batch that is refused is lost: the next values replace it soon, and a queue that only grows helps nobody. */
  private async write(points: readonly MetricPoint[]): Promise<void> {
    try {
      const { stored, rejected } = await this.writer.append(points);
      this.meter.recorded.written.inc(stored);
      if (rejected.length > 0) this.meter.recorded.failed.inc(rejected.length);
    } catch (error) {
      this.meter.recorded.failed.inc(points.length);
      this.onError(error);
    }
  }
}
