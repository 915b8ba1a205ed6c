import { alertLastEvaluation, alertNotifications } from '../../catalogue/alerting.js';
import { ageOf, increaseOf, type Signal } from '../signal.js';
import type { Rule } from './rule.js';

const evaluationAge: Signal = ageOf(alertLastEvaluation, 'newest');

/** Who watches the watchers. The watchdog itself is written by the generator: it has no threshold. */
export const watcherRules: readonly Rule[] = [
  {
    kind: 'signal',
    group: 'watchers',
    threshold: 'notifications_failing',
    alerts: { warning: 'NotificationsFailing' },
    signal: increaseOf(alertNotifications, { outcome: ['failed', 'dropped'] }),
    by: ['notifier'],
    dashboard: 'tidewatch-overview',
    summary: 'Notifications by {label:notifier} do not arrive',
    description:
      '{value} notifications by {label:notifier} were given up within {window}: alerts fire and nobody hears of it.',
  },
  {
    kind: 'prometheus',
    group: 'watchers',
    threshold: 'evaluation_age',
    alerts: { critical: 'InAppAlertsAsleep' },
    signal: evaluationAge,
    outsideOnly: 'rules that are not judged cannot notice it',
    dashboard: 'tidewatch-overview',
    summary: 'The in-app rules have not been judged for {value}',
    description: 'The last round of in-app alert rules ended {value} ago; they are judged every 5 s.',
  },
];
