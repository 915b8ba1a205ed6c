import { inWords } from '../wording.js';
import { type Notice, type Notifier, post } from './notifier.js';

const colours = { critical: '#c62828', warning: '#f9a825', resolved: '#2e7d32' } as const;
const words = { firing: 'FIRING', reminder: 'STILL FIRING', resolved: 'RESOLVED' } as const;

/** Incoming webhooks of Slack, and of what understands them (Mattermost, Rocket.Chat, Discord's /slack). */
export class SlackNotifier implements Notifier {
  readonly name = 'slack';
  readonly repeatEveryMs = null;

  constructor(private readonly url: string) {}

  send(notices: readonly Notice[], signal: AbortSignal): Promise<void> {
    return post(this.url, slackMessage(notices), signal);
  }
}

export function slackMessage(notices: readonly Notice[]) {
  return {
    text: notices.map((n) => `${words[n.occasion]}: ${escapeText(n.alert.summary)}`).join('\n'),
    attachments: notices.map(({ alert, occasion, links }) => ({
      color: occasion === 'resolved' ? colours.resolved : colours[alert.severity],
      title: `${alert.name} (${alert.severity})`,
      title_link: links.alert,
      text: escapeText(alert.description),
      fields: [
        { title: 'Value', value: worded(alert.value, alert.unit), short: true },
        { title: 'Threshold', value: worded(alert.edge, alert.unit), short: true },
        { title: 'Instance', value: escapeText(alert.instance), short: true },
        ...Object.entries(alert.labels).map(([title, value]) => ({
          title,
          value: escapeText(value),
          short: true,
        })),
        { title: 'Next', value: `<${links.runbook}|runbook> · <${links.evidence}|evidence>`, short: false },
      ],
      ts: Math.floor(alert.updatedAtMs / 1000),
    })),
  };
}

const worded = (value: number | null, unit: Parameters<typeof inWords>[1] | null): string =>
  value === null ? 'unknown' : inWords(value, unit ?? '1');

/** Slack's own three control characters; a label must not be able to write `<!channel>`. */
const escapeText = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
