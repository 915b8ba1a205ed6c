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

/** Background work of the store: each job on its own timer, never overlapping itself, failures counted and repeated. */
export class StoreJobs {
  private readonly timers: NodeJS.Timeout[] = [];
  private readonly running = new Set<Promise<void>>();
  private readonly failing = new Set<StoreJobName>();
  private stopped = false;

  constructor(
    jobs: readonly StoreJob[],
    private readonly metrics: Metrics,
    private readonly log: ModuleLogger,
    lifecycle: Lifecycle,
  ) {
    for (const job of jobs) {
      // At 0 before the first failure: a counter that appears with it hides it from a rate.
      metrics.counter(storeJobFailures, { task: job.name });
      this.schedule(job);
    }
    lifecycle.onShutdown('stop-intake', 'store jobs', () => this.stop());
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
    const started = performance.now();
    try {
      await job.run();
      this.metrics.gauge(storeJobLastSuccess, { task: job.name }).set(Date.now() / 1000);
      this.failing.delete(job.name);
    } catch (error) {
      this.metrics.counter(storeJobFailures, { task: job.name }).inc();
      // Once per outage: a database that is away is reported by the health check already.
      if (!this.failing.has(job.name)) {
        this.log.warn({ job: job.name, reason: messageOf(error) }, 'job failed');
      }
      this.failing.add(job.name);
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
