import type { Lifecycle } from '../lifecycle/lifecycle.js';
import {
  type StoreJobName,
  storeJobFailures,
  storeJobLastSuccess,
  storeJobSeconds,
} from '../observability/catalogue/store.js';
import type { ModuleLogger } from '../observability/logger.js';
import type { Metrics } from '../observability/metrics.js';
import { messageOf } from './writer/sqlstate.js';

export interface StoreJob {
  readonly name: StoreJobName;
  readonly everyMs: number;
  readonly run: () => Promise<void>;
}

/** What `doctor` and the storage collector show of a job. */
export interface StoreJobStatus {
  readonly name: StoreJobName;
  readonly everyMs: number;
  readonly lastSuccessMs: number | null;
  readonly lastError: string | null;
}

/** Background work of the store: each job on its own timer, never overlapping itself, failures counted and repeated. */
export class StoreJobs {
  private readonly timers: NodeJS.Timeout[] = [];
  private readonly running = new Set<Promise<void>>();
  private readonly states = new Map<
    StoreJobName,
    { lastSuccessMs: number | null; lastError: string | null }
  >();
  private stopped = false;

  constructor(
    private readonly jobs: readonly StoreJob[],
    private readonly metrics: Metrics,
    private readonly log: ModuleLogger,
    lifecycle: Lifecycle,
  ) {
    for (const job of jobs) {
      this.states.set(job.name, { lastSuccessMs: null, lastError: null });
      // At 0 before the first failure: a counter that appears with it hides it from a rate.
      metrics.counter(storeJobFailures, { task: job.name });
      this.schedule(job);
    }
    lifecycle.onShutdown('stop-intake', 'store jobs', () => this.stop());
  }

  status(): readonly StoreJobStatus[] {
    return this.jobs.map(({ name, everyMs }) => ({
      name,
      everyMs,
      ...(this.states.get(name) ?? { lastSuccessMs: null, lastError: null }),
    }));
  }

  private schedule(job: StoreJob): void {
    let busy = false;
    const timer = setInterval(() => {
      if (busy || this.stopped) return;
      busy = true;
      const run = this.runOne(job).finally(() => {
        busy = false;
        this.running.delete(run);
      });
      this.running.add(run);
    }, job.everyMs);
    timer.unref();
    this.timers.push(timer);
  }

  private async runOne(job: StoreJob): Promise<void> {
    const state = this.states.get(job.name);
    const started = performance.now();
    try {
      await job.run();
      this.metrics.gauge(storeJobLastSuccess, { task: job.name }).set(Date.now() / 1000);
      if (state) Object.assign(state, { lastSuccessMs: Date.now(), lastError: null });
    } catch (error) {
      this.metrics.counter(storeJobFailures, { task: job.name }).inc();
      // Once per outage: a database that is away is reported by the health check already.
      if (state?.lastError === null) this.log.warn({ job: job.name, reason: messageOf(error) }, 'job failed');
      if (state) state.lastError = messageOf(error);
    } finally {
      this.metrics
        .histogram(storeJobSeconds, { task: job.name })
        .observe((performance.now() - started) / 1000);
    }
  }

  private async stop(): Promise<void> {
    this.stopped = true;
    for (const timer of this.timers) clearInterval(timer);
    await Promise.all(this.running);
  }
}
