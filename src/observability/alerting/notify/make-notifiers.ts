import type { Config } from '../../../config/config.js';
import { AlertmanagerNotifier } from './alertmanager.notifier.js';
import type { Notifier } from './notifier.js';
import { SlackNotifier } from './slack.notifier.js';
import { WebhookNotifier } from './webhook.notifier.js';

/** The ways out that the settings name; none by default. */
export function makeNotifiers(config: Config): readonly Notifier[] {
  const webhook = config.get('ALERT_WEBHOOK_URL');
  const slack = config.get('ALERT_SLACK_URL');
  const alertmanager = config.get('ALERTMANAGER_URL');
  return [
    ...(webhook === undefined ? [] : [new WebhookNotifier(webhook)]),
    ...(alertmanager === undefined ? [] : [new AlertmanagerNotifier(alertmanager)]),
    ...(slack === undefined ? [] : [new SlackNotifier(slack)]),
  ];
}
