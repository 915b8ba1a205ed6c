import { counter, gauge } from '../metric-spec.js';

export const alerts = gauge(
  'tidewatch_alerts',
  'Alerts of this process that are pending or firing, by severity.',
  {
    state: ['pending', 'firing'],
    severity: ['warning', 'critical'],
  },
);
export const alertEvaluations = counter(
  'tidewatch_alert_evaluations_total',
  'Rounds in which every in-app rule was judged once, by how they ended.',
  { outcome: ['success', 'error'] },
);
export const alertLastEvaluation = gauge(
  'tidewatch_alert_last_evaluation_timestamp_seconds',
  'Unix time of the last round of in-app rules that ended well.',
);
export const alertEvaluationSeconds = gauge(
  'tidewatch_alert_evaluation_duration_seconds',
  'Event-loop time of the last round of in-app rules.',
);
export const alertRulesUnknown = gauge(
  'tidewatch_alert_rules_unknown',
  'In-app rules that could not judge in the last round, because their metric has no data.',
);
export const alertNotifications = counter(
  'tidewatch_alert_notifications_total',
  'Notifications by notifier and outcome; retried counts failed attempts that were repeated.',
  {
    notifier: ['webhook', 'alertmanager', 'slack'],
    outcome: ['sent', 'retried', 'failed', 'dropped'],
  },
);
export const alertsSuppressed = gauge(
  'tidewatch_alerts_suppressed',
  'Firing alerts that a silence or a maintenance window keeps quiet.',
);
export const alertSilences = gauge('tidewatch_alert_silences', 'Silences and maintenance windows in force.', {
  kind: ['silence', 'maintenance'],
});
export const alertsRefused = counter(
  'tidewatch_alerts_refused_total',
  'Alerts for which the book of active alerts had no place.',
);
export const alertWritesFailed = counter(
  'tidewatch_alert_store_failures_total',
  'Failed attempts to write alerts, history or evidence to the database; they are repeated.',
);
