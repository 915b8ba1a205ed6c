import type { Alert, HistoryEntry, Silence } from './alert.js';

const time = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());

/** An alert as clients see it: over HTTP and on the `alerts` topic alike. */
export function alertAnswer(alert: Alert, silence: Silence | null, nowMs: number) {
  return {
    id: alert.id,
    name: alert.name,
    source: alert.source,
    instance: alert.instance,
    severity: alert.severity,
    state: alert.state,
    labels: alert.labels,
    threshold_id: alert.threshold,
    value: alert.value,
    fired_value: alert.firedValue,
    threshold: alert.edge,
    clear_threshold: alert.clearEdge,
    direction: alert.direction,
    unit: alert.unit,
    /** `unknown`: no data now; a firing alert is not resolved by that. */
    data: alert.unknown ? 'unknown' : 'known',
    summary: alert.summary,
    description: alert.description,
    started_at: time(alert.startedAtMs),
    fired_at: time(alert.firedAtMs),
    resolved_at: time(alert.resolvedAtMs),
    as_of: time(alert.updatedAtMs),
    data_age_ms: Math.max(0, nowMs - alert.updatedAtMs),
    ack:
      alert.ack === null ? null : { by: alert.ack.by, comment: alert.ack.comment, at: time(alert.ack.atMs) },
    suppressed_by:
      silence === null
        ? null
        : { id: silence.id, kind: silence.kind, comment: silence.comment, until: time(silence.endsAtMs) },
    links: {
      self: `/api/v1/alerts/${alert.id}`,
      evidence: `/api/v1/alerts/${alert.id}/evidence`,
      runbook: `/api/v1/alerts/runbooks/${alert.runbook}`,
      dashboard: alert.dashboard === null ? null : `/d/${alert.dashboard}`,
    },
  };
}
export type AlertAnswer = ReturnType<typeof alertAnswer>;

export const historyAnswer = (entry: HistoryEntry) => ({
  at: time(entry.atMs),
  kind: entry.kind,
  by: entry.by,
  comment: entry.comment,
  value: entry.value,
});

export const silenceAnswer = (silence: Silence, nowMs: number) => ({
  id: silence.id,
  kind: silence.kind,
  matchers: silence.matchers,
  by: silence.by,
  comment: silence.comment,
  starts_at: time(silence.startsAtMs),
  ends_at: time(silence.endedAtMs ?? silence.endsAtMs),
  created_at: time(silence.createdAtMs),
  state:
    nowMs < silence.startsAtMs
      ? 'planned'
      : nowMs < (silence.endedAtMs ?? silence.endsAtMs)
        ? 'active'
        : 'ended',
});
