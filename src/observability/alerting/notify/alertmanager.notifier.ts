import { type Notice, type Notifier, post } from './notifier.js';

/** Alertmanager forgets an alert that nobody repeats; three missed repeats are tolerated. */
const repeatMs = 60_000;

/** Speaks the v2 API of Alertmanager, as Prometheus does; grouping, routing and inhibition are then its work. */
export class AlertmanagerNotifier implements Notifier {
  readonly name = 'alertmanager';
  readonly repeatEveryMs = repeatMs;

  constructor(
    private readonly url: string,
    private readonly now: () => number = Date.now,
  ) {}

  send(notices: readonly Notice[], signal: AbortSignal): Promise<void> {
    const address = `${this.url.replace(/\/$/, '')}/api/v2/alerts`;
    return post(
      address,
      notices.map((notice) => postableAlert(notice, this.now())),
      signal,
    );
  }
}

function postableAlert({ alert, links }: Notice, nowMs: number) {
  return {
    labels: {
      ...alert.labels,
      alertname: alert.name,
      severity: alert.severity,
      threshold: alert.threshold,
      instance: alert.instance,
      // The same alert may also come from Prometheus; this label tells who says it.
      source: 'tidewatch',
    },
    annotations: {
      summary: alert.summary,
      description: alert.description,
      runbook_url: links.runbook,
      evidence_url: links.evidence,
    },
    startsAt: new Date(alert.firedAtMs ?? alert.startedAtMs).toISOString(),
    endsAt: new Date(alert.resolvedAtMs ?? nowMs + 4 * repeatMs).toISOString(),
    generatorURL: links.alert,
  };
}
