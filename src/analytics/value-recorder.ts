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
const flushMs = 100;
/** A large batch would hold up the ticks that are committed beside it. */
const batchPoints = 500;
/** Statistics move slowly: they go with every tenth value. */
const statisticsEvery = 10;
/**
 * An announcement after this many intervals of source time is of ticks that come faster than they happened: what lies between is
 * recorded too, at most so many values. (Live, portfolios that wait for their announcement miss a few intervals.)
 */
const longGap = 10;
const maxBetween = 100;

/** What was recorded last of a portfolio; changed in place, thousands of times a second. */
export interface Recorded {
  asOfMs: number;
  /** Statistics go with the value that brings it to {@link statisticsEvery}. */
  turn: number;
  /** `window.pushed` then: what came since is not recorded. */
  pushed: number;
  /** There is a newer value, and it waits to be recorded: its `window.pushed` when that was looked at last. */
  behind: boolean;
  seen: number;
}

/** Thousands of portfolios begin together: without this, the statistics of all of them would fall due together. */
const firstTurn = ({ index }: PortfolioState): number => index % statisticsEvery;

/**
 * Writes portfolio values (and now and then volatility and drawdown) to the store, so that there is a history. At most
 * one point per portfolio and interval of source time, within a bounded rate; what cannot be written is counted. Where an
 * announcement covers much source time (recorded ticks come faster than they happened), the window has what was between.
 */
export class ValueRecorder {
  private readonly figures = new Float64Array(figureCount);
  private waiting: MetricPoint[] = [];
  private allowance = maxPointsPerSecond;
  private refilledMs = performance.now();
  private timer: NodeJS.Timeout | undefined;
  /** Whose newest value is not recorded, or was not. */
  private behind: PortfolioState[] = [];
  private sweeper: NodeJS.Timeout | undefined;
  private writing: Promise<void> | undefined;

  constructor(
    private readonly writer: Pick<MetricWriter, 'append'>,
    private readonly meter: AnalyticsMeter,
    private readonly intervalMs: number,
    private readonly onError: (error: unknown) => void,
    private readonly isKnown: (state: PortfolioState) => boolean,
  ) {}

  /** What the windows hold was recorded by an earlier process. */
  resume(states: Iterable<PortfolioState>): void {
    for (const state of states) {
      const { asOfMs, pushed } = state;
      if (pushed > 0) state.recorded = { asOfMs, turn: firstTurn(state), pushed, behind: false, seen: 0 };
    }
  }

  /** Called when a portfolio was marked. */
  marked(state: PortfolioState): void {
    const { asOfMs, recorded: last } = state;
    if (Number.isNaN(asOfMs) || state.batch === null) return;
    if (last !== undefined && asOfMs < last.asOfMs + this.intervalMs) {
      this.fallBehind(state, last);
      return;
    }
    const { value } = state;
    if (!Number.isFinite(value)) return;
    if (!this.allowed()) {
      if (last !== undefined) this.fallBehind(state, last);
      return;
    }
    const between = last === undefined || asOfMs >= last.asOfMs + longGap * this.intervalMs;
    if (between) this.addBetween(state, last);
    const { pushed } = state;
    this.add(state.id, 'value', value, asOfMs);
    if (last === undefined)
      state.recorded = {
        asOfMs,
        turn: (firstTurn(state) + 1) % statisticsEvery,
        pushed,
        behind: false,
        seen: 0,
      };
    else {
      last.behind = false;
      last.asOfMs = asOfMs;
      last.turn++;
      last.pushed = pushed;
      if (last.turn >= statisticsEvery) {
        last.turn = 0;
        this.addStatistics(state);
      }
    }
    this.timer ??= setTimeout(() => void this.flush(), flushMs);
  }

  /** Writes everything that waits. */
  async stop(): Promise<void> {
    clearTimeout(this.timer);
    clearTimeout(this.sweeper);
    this.catchUp(() => true);
    while (this.waiting.length > 0 || this.writing) await this.flush();
  }

  /** The value that stands when the ticks pause is recorded too: it is what the history ends with. */
  private fallBehind(state: PortfolioState, last: Recorded): void {
    if (last.behind) return;
    last.behind = true;
    last.seen = state.pushed;
    this.behind.push(state);
    this.sweeper ??= setTimeout(() => this.sweep(), this.intervalMs);
  }

  /** Records those that have not changed since the last look; the others will be by themselves, or next time. */
  private sweep(): void {
    this.sweeper = undefined;
    this.catchUp((state, last) => {
      const isQuiet = state.pushed === last.seen;
      last.seen = state.pushed;
      return isQuiet && this.allowed();
    });
    if (this.behind.length > 0) this.sweeper = setTimeout(() => this.sweep(), this.intervalMs);
  }

  private catchUp(isDue: (state: PortfolioState, last: Recorded) => boolean): void {
    this.behind = this.behind.filter((state) => {
      const { recorded: last } = state;
      // What was kept of one that is gone is another's by now.
      if (!last?.behind || !this.isKnown(state)) return false;
      if (!isDue(state, last)) return true;
      last.behind = false;
      const { value, asOfMs } = state;
      if (!Number.isFinite(value)) return false;
      last.asOfMs = asOfMs;
      last.pushed = state.pushed;
      this.add(state.id, 'value', value, asOfMs);
      this.timer ??= setTimeout(() => void this.flush(), flushMs);
      return false;
    });
  }

  /** Values of the time since the last one, evenly spaced, as far as the rate leaves more than others will need. */
  private addBetween({ id, window, asOfMs }: PortfolioState, last: Recorded | undefined): void {
    // Without the newest, which is recorded in any case.
    const end = window.size - 1;
    const fresh = window.pushed - 1 - (last?.pushed ?? 0);
    if (fresh < 1 || end < 1) return;
    const first = Math.max(0, end - fresh);
    const fromMs = last?.asOfMs ?? window.timeAt(first);
    const step = Math.max(this.intervalMs, (asOfMs - fromMs) / maxBetween);
    let next = last === undefined ? fromMs : fromMs + step;
    for (let i = first; i < end && this.allowance > maxPointsPerSecond / 2; i++) {
      const tsMs = window.timeAt(i);
      if (tsMs < next || tsMs > asOfMs - step) continue;
      this.add(id, 'value', window.at(i), tsMs);
      this.allowance--;
      next = tsMs + step;
    }
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
