import { type Notice, type Notifier, post } from './notifier.js';

/** Our own JSON, one request for all notices of a moment. */
export class WebhookNotifier implements Notifier {
  readonly name = 'webhook';
  readonly repeatEveryMs = null;

  constructor(private readonly url: string) {}

  send(notices: readonly Notice[], signal: AbortSignal): Promise<void> {
    return post(this.url, { version: 1, notices: notices.map(webhookNotice) }, signal);
  }
}

function webhookNotice({ alert, occasion, links }: Notice) {
  return {
    occasion,
    id: alert.id,
    name: alert.name,
    severity: alert.severity,
    state: alert.state,
    instance: alert.instance,
    labels: alert.labels,
    value: alert.value,
    threshold: alert.edge,
    unit: alert.unit,
    summary: alert.summary,
    description: alert.description,
    started_at: new Date(alert.startedAtMs).toISOString(),
    fired_at: alert.firedAtMs === null ? null : new Date(alert.firedAtMs).toISOString(),
    resolved_at: alert.resolvedAtMs === null ? null : new Date(alert.resolvedAtMs).toISOString(),
    links,
  };
}
