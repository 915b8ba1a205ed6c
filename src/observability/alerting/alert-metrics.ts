import {
  alertEvaluationSeconds,
  alertEvaluations,
  alertLastEvaluation,
  alertNotifications,
  alertRulesUnknown,
  alertSilences,
  alerts,
  alertsRefused,
  alertsSuppressed,
  alertWritesFailed,
} from '../catalogue/alerting.js';
import type { CounterHandle, GaugeHandle, Metrics } from '../metrics.js';
import type { AlertBook } from './alert-book.js';
import type { Outcome } from './notify/notification-queue.js';
import type { NotifierName } from './notify/notifier.js';
import type { Observed } from './rule-evaluator.js';
import type { SilenceBook } from './silence-book.js';

/** What the alerting says of itself: who watches the watchers needs numbers too. */
export class AlertMetrics {
  readonly roundFailed: CounterHandle;
  readonly writeFailed: CounterHandle;
  private readonly roundDone: CounterHandle;
  private readonly lastRound: GaugeHandle;
  private readonly duration: GaugeHandle;
  private readonly unknown: GaugeHandle;
  private readonly suppressed: GaugeHandle;
  private readonly refused: CounterHandle;
  private refusedBefore = 0;

  constructor(private readonly metrics: Metrics) {
    this.roundDone = metrics.counter(alertEvaluations, { outcome: 'success' });
    this.roundFailed = metrics.counter(alertEvaluations, { outcome: 'error' });
    this.writeFailed = metrics.counter(alertWritesFailed, {});
    this.lastRound = metrics.gauge(alertLastEvaluation, {});
    this.duration = metrics.gauge(alertEvaluationSeconds, {});
    this.unknown = metrics.gauge(alertRulesUnknown, {});
    this.suppressed = metrics.gauge(alertsSuppressed, {});
    this.refused = metrics.counter(alertsRefused, {});
    for (const notifier of ['webhook', 'alertmanager', 'slack'] as const) {
      for (const outcome of ['sent', 'retried', 'failed', 'dropped'] as const) {
        metrics.counter(alertNotifications, { notifier, outcome });
      }
    }
  }

  notified(notifier: NotifierName, outcome: Outcome, count: number): void {
    this.metrics.counter(alertNotifications, { notifier, outcome }).inc(count);
  }

  round(
    book: AlertBook,
    suppressed: number,
    silences: SilenceBook,
    observed: readonly Observed[],
    seconds: number,
    nowMs: number,
  ): void {
    for (const state of ['pending', 'firing'] as const) {
      for (const severity of ['warning', 'critical'] as const) {
        const count = [...book.alerts()].filter((a) => a.state === state && a.severity === severity).length;
        this.metrics.gauge(alerts, { state, severity }).set(count);
      }
    }
    for (const kind of ['silence', 'maintenance'] as const) {
      this.metrics.gauge(alertSilences, { kind }).set(silences.active(kind, nowMs));
    }
    this.suppressed.set(suppressed);
    this.unknown.set(observed.filter((o) => o.value === null && !o.idle).length);
    this.refused.inc(book.refused - this.refusedBefore);
    this.refusedBefore = book.refused;
    this.duration.set(seconds);
    this.lastRound.set(nowMs / 1000);
    this.roundDone.inc();
  }
}
