import {
  riskCacheBytes,
  riskCacheEvictions,
  riskCalculation,
  riskQueue,
  riskTasks,
} from '../../observability/catalogue/risk.js';
import type { Metrics } from '../../observability/metrics.js';
import type { RiskTask, RiskTaskKind } from './risk-task.js';

export type Outcome =
  | 'ok'
  | 'cached'
  | 'shared'
  | 'refused'
  | 'failed'
  | 'deadline'
  | 'cancelled'
  | 'queue_full';

/** What is counted and timed about risk calculations. */
export class ComputeMeter {
  constructor(
    private readonly metrics: Metrics,
    watch: { queued: () => number; cacheBytes: () => number },
  ) {
    metrics.gaugeFrom(riskQueue, {}, watch.queued);
    metrics.gaugeFrom(riskCacheBytes, {}, watch.cacheBytes);
  }

  outcome(kind: RiskTaskKind, outcome: Outcome): void {
    this.metrics.counter(riskTasks, { kind, outcome }).inc();
  }

  done(task: RiskTask, where: 'inline' | 'worker', runtimeMs: number): void {
    if ('method' in task) {
      this.metrics.histogram(riskCalculation, { method: task.method, where }).observe(runtimeMs / 1000);
    }
    this.outcome(task.kind, 'ok');
  }

  evicted(count: number): void {
    if (count > 0) this.metrics.counter(riskCacheEvictions, {}).inc(count);
  }
}
