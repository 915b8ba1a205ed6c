import { AsyncLocalStorage } from 'node:async_hooks';
import type { RunOutcome } from '../catalogue/watching.js';
import type { Metrics } from '../metrics.js';
import { type CollectorDefinition, type CollectorHost, type CollectorLog, NoData } from './collector.js';
import type { OpenRun, SharedClients } from './collector-clients.js';
import { CollectorInstance } from './collector-instance.js';
import { CollectorSelfMetrics } from './collector-self-metrics.js';
import { type Cost, CostMeter, noCost } from './cost-meter.js';
import { classify, describe } from './error-class.js';
import { Pacing } from './pacing.js';
import type { RunScheduler } from './run-scheduler.js';
import { isTimeout, withTimeout } from './run-timeout.js';
import { StagedMetrics } from './staged-metrics.js';

/** Values are withdrawn after this many intervals without a success (and at least one timeout). */
const staleAfterIntervals = 3;
const longestDefaultTimeoutMs = 10_000;
/** Runs in a row that cost their instance before the collector is given up until it is switched on again. */
const maxAbandoned = 3;

export type TaskState = 'disabled' | 'idle' | 'running' | 'stuck' | 'given_up';

export interface TaskError {
  readonly class: string;
  readonly message: string;
  readonly part: string | null;
  readonly atMs: number;
}

export interface TaskOptions {
  readonly enabled: boolean;
  readonly intervalMs: number;
  readonly config: unknown;
}

/** Whose code runs: follows a collector's promises, timers and callbacks, so that a stray error can be told apart. */
const collectorScope = new AsyncLocalStorage<CollectorTask>();

/**
 * For the process's last-resort handlers: an error that escaped from a collector's own timer or callback is that
 * collector's failure and must not end the server.
 * @returns whether a collector was to blame; then the error has been counted and the collector has been taken out
 */
export function absorbCollectorFault(error: unknown): boolean {
  const task = collectorScope.getStore();
  task?.blame(error);
  return task !== undefined;
}

/** One collector and everything the server does for it: schedule, timeout, isolation, accounting, reporting. */
export class CollectorTask {
  readonly staged: StagedMetrics;
  readonly pacing: Pacing;
  readonly timeoutMs: number;
  lastRunAtMs: number | null = null;
  lastSuccessAtMs: number | null = null;
  lastDurationMs: number | null = null;
  lastOutcome: RunOutcome | null = null;
  lastError: TaskError | null = null;
  lastCost: Cost = noCost();
  nextRunAtMs: number | null = null;
  private readonly self: CollectorSelfMetrics;
  private readonly bornAtMs: number;
  private readonly instance: CollectorInstance;
  private running: Promise<void> | null = null;
  private current: AbortController | null = null;
  private meter: CostMeter | null = null;
  private stuck = false;
  /** Runs in a row that were left behind, or from which an error escaped, be it after they had ended well. */
  private abandoned = 0;
  /** The last run has been counted in {@link abandoned}. */
  private counted = false;
  private isEnabled = false;

  constructor(
    readonly definition: CollectorDefinition,
    readonly origin: string,
    private readonly shared: SharedClients,
    metrics: Metrics,
    private readonly scheduler: RunScheduler,
    private readonly log: CollectorLog,
    options: TaskOptions,
    private readonly random: () => number = Math.random,
  ) {
    const { manifest } = definition;
    this.staged = new StagedMetrics(metrics, manifest.metrics);
    this.self = new CollectorSelfMetrics(metrics, manifest.name);
    this.pacing = new Pacing(manifest, options.intervalMs);
    this.timeoutMs = manifest.timeoutMs ?? Math.min(longestDefaultTimeoutMs, manifest.intervalMs);
    this.instance = new CollectorInstance(
      definition,
      shared,
      this.staged,
      log,
      options.config,
      this.host(),
      this.timeoutMs,
    );
    this.bornAtMs = shared.nowMs();
    this.self.enabled.set(0);
  }

  get name(): string {
    return this.definition.manifest.name;
  }

  get enabled(): boolean {
    return this.isEnabled;
  }

  get state(): TaskState {
    if (!this.isEnabled) return 'disabled';
    if (this.abandoned >= maxAbandoned) return 'given_up';
    return this.stuck ? 'stuck' : this.running ? 'running' : 'idle';
  }

  /** Values older than this are withdrawn. */
  get maxAgeMs(): number {
    return staleAfterIntervals * this.pacing.paceMs(this.shared.nowMs()) + this.timeoutMs;
  }

  /** Since the last success, or since the start when there was none; `null` while disabled. */
  get ageMs(): number | null {
    return this.isEnabled ? this.shared.nowMs() - (this.lastSuccessAtMs ?? this.bornAtMs) : null;
  }

  /** Failed runs in a row, those included that ended well before an error escaped. */
  get failures(): number {
    return this.wellEnded ? 0 : Math.max(this.pacing.failures, this.abandoned);
  }

  get stale(): boolean {
    const age = this.ageMs;
    return age !== null && age > this.maxAgeMs;
  }

  enable(): void {
    if (this.isEnabled && this.state !== 'given_up') return;
    this.isEnabled = true;
    this.abandoned = 0;
    this.pacing.afterResult(false);
    this.self.enabled.set(1);
    this.plan(this.pacing.firstDelayMs(this.random()));
  }

  async disable(): Promise<void> {
    if (!this.isEnabled) return;
    this.isEnabled = false;
    this.scheduler.cancel(this.schedule);
    this.nextRunAtMs = null;
    this.current?.abort(new Error('the collector was switched off'));
    this.self.enabled.set(0);
    this.self.silence();
    this.staged.clear();
    await this.instance.retire();
  }

  /** Changes the interval at run time; the next run is planned anew. */
  setInterval(ms: number): void {
    this.pacing.intervalMs = ms;
    if (this.isEnabled && !this.running)
      this.plan(this.pacing.nextDelayMs(this.shared.nowMs(), this.random()));
    this.reportPace();
  }

  /** A related alert is pending or firing: look closer until then. */
  burst(untilMs: number): void {
    if (this.pacing.burst(untilMs, this.shared.nowMs()) && this.isEnabled && !this.running) this.plan(0);
    this.reportPace();
  }

  endBurst(): void {
    this.pacing.endBurst();
    this.reportPace();
  }

  /** Withdraws what has gone stale. Called before every scrape and read. */
  expire(): void {
    this.staged.expire(this.shared.nowMs(), this.maxAgeMs);
    if (this.isEnabled) this.self.series.set(this.staged.seriesCount);
  }

  /** Runs now, unless a run is under way; for tests, the dry run and evidence. Resolves when the run is over. */
  async runOnce(): Promise<void> {
    if (this.running) {
      this.self.skipped.inc();
      return this.stuck ? undefined : this.running;
    }
    this.running = this.run();
    await this.running;
  }

  /** An error escaped from this collector: its instance cannot be trusted any more, the next run gets a new one. */
  blame(error: unknown): void {
    this.noteError(error, 'escaped', this.shared.nowMs());
    if (this.isEnabled && this.current === null && this.wellEnded) {
      this.lastOutcome = 'error';
      this.self.spoiled();
    }
    this.current?.abort(error instanceof Error ? error : new Error(String(error)));
    void this.leaveBehind();
  }

  /** The instance is not used again. Counted at most once per run, however many errors escape from it. */
  private async leaveBehind(): Promise<void> {
    if (!this.counted) {
      this.counted = true;
      this.abandoned++;
      this.self.abandoned.inc();
      if (this.abandoned >= maxAbandoned) {
        this.scheduler.cancel(this.schedule);
        this.nextRunAtMs = null;
        this.log.warn({ collector: this.name }, 'a collector was given up; switch it on again to retry');
      }
    }
    await this.instance.retire();
  }

  /** Of the last run, unless an error has escaped since. */
  private get wellEnded(): boolean {
    return this.lastOutcome === 'success' || this.lastOutcome === 'no_data';
  }

  private get schedule(): string {
    return `collector:${this.name}`;
  }

  private plan(delayMs: number): void {
    if (!this.isEnabled || this.abandoned >= maxAbandoned) return;
    this.nextRunAtMs = this.shared.nowMs() + delayMs;
    this.scheduler.at(this.schedule, delayMs, () => {
      void this.runOnce().finally(() =>
        this.plan(this.pacing.nextDelayMs(this.shared.nowMs(), this.random())),
      );
    });
    this.reportPace();
  }

  private async run(): Promise<void> {
    // Before the clock starts: what a plugin's thread takes to load is not its run's.
    const unprepared = await this.instance.prepare();
    // Only now: an error may have escaped after a run that had ended well.
    if (this.wellEnded) this.abandoned = 0;
    const nowMs = this.shared.nowMs();
    const { budget } = this.definition.manifest;
    const controller = new AbortController();
    const meter = new CostMeter(budget);
    const run: OpenRun = {
      meter,
      signal: controller.signal,
      deadlineMs: Date.now() + this.timeoutMs,
      failures: [],
    };
    this.current = controller;
    this.meter = meter;
    this.counted = false;
    this.lastRunAtMs = nowMs;
    const start = performance.now();
    let thrown: unknown;
    const work = collectorScope.run(this, () => meter.run(() => this.instance.work(run, unprepared)));
    try {
      await withTimeout(work, this.timeoutMs, controller);
    } catch (error) {
      thrown = error;
    }
    // The event-loop time of the last piece is booked on the tick after it.
    await new Promise<void>((resolve) => process.nextTick(resolve));
    this.instance.close();
    this.conclude(thrown, run, performance.now() - start);
    this.current = null;
    if (controller.signal.aborted && this.isEnabled) await this.awaitOrAbandon(work);
    this.running = null;
  }

  private host(): CollectorHost {
    return {
      // Within a run it is the run that fails of it.
      lost: (error, escaped) =>
        escaped || this.current === null ? this.blame(error) : void this.leaveBehind(),
      charge: (ms) => {
        if (this.meter !== null) this.meter.cost.eventLoopMs += ms;
      },
    };
  }

  private conclude(thrown: unknown, run: OpenRun, durationMs: number): void {
    const nowMs = this.shared.nowMs();
    const { meter, signal, failures } = run;
    if (!this.isEnabled && signal.aborted) {
      this.staged.discard();
      return;
    }
    const outcome = this.settle(thrown, run, nowMs);
    if (outcome === 'success' || outcome === 'no_data') {
      this.lastSuccessAtMs = nowMs;
      this.self.lastSuccess.set(nowMs / 1000);
      this.lastError = null;
    }
    for (const { part, error } of failures) this.noteError(error, part, nowMs);
    // What escaped was noted when it did.
    const escaped = signal.aborted && outcome === 'error';
    if (thrown !== undefined && outcome !== 'no_data' && !escaped) this.noteError(thrown, null, nowMs);
    this.lastOutcome = outcome;
    this.lastDurationMs = durationMs;
    this.lastCost = meter.cost;
    this.self.ended(outcome, durationMs / 1000, meter.cost, meter.exceeded);
    this.pacing.afterResult(outcome === 'error' || outcome === 'timeout');
    if (this.pacing.afterRun(meter.exceeded.length > 0)) {
      this.log.warn(
        { collector: this.name, cost: meter.cost, exceeded: meter.exceeded, backoff: this.pacing.backoff },
        'the pace of a collector changed with its cost',
      );
    }
    this.reportPace();
  }

  private settle(thrown: unknown, { signal, failures }: OpenRun, nowMs: number): RunOutcome {
    if (thrown instanceof NoData) {
      this.staged.clear();
      return 'no_data';
    }
    if (thrown !== undefined) {
      this.staged.discard();
      return isTimeout(signal) ? 'timeout' : 'error';
    }
    const partial = failures.length > 0;
    this.staged.commit(nowMs, partial);
    return partial ? 'partial' : 'success';
  }

  private noteError(error: unknown, part: string | null, atMs: number): void {
    const name = classify(error);
    const message = describe(error);
    this.self.failed(name);
    // Once per change, not once per run: a server that is away for a night is one line.
    if (this.lastError?.message !== message) {
      this.log.warn({ collector: this.name, part, class: name, reason: message }, 'a collector failed');
    }
    this.lastError = { class: name, message, part, atMs };
  }

  /** After a timeout: one more timeout to give up by itself, then the instance is left behind. No run overlaps it. */
  private async awaitOrAbandon(work: Promise<void>): Promise<void> {
    this.stuck = true;
    const settled = await Promise.race([
      work.then(
        () => true,
        () => true,
      ),
      new Promise<boolean>((resolve) => setTimeout(() => resolve(false), this.timeoutMs).unref()),
    ]);
    this.stuck = false;
    if (settled) return;
    this.log.warn({ collector: this.name }, 'a collector ignored its abort and was left behind');
    await this.leaveBehind();
  }

  private reportPace(): void {
    this.self.interval.set(this.pacing.paceMs(this.shared.nowMs()) / 1000);
    this.self.backoff.set(this.pacing.backoff);
  }
}
