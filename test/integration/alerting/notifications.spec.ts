import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { Alert } from '../../../src/observability/alerting/alert.js';
import { AlertmanagerNotifier } from '../../../src/observability/alerting/notify/alertmanager.notifier.js';
import {
  NotificationQueue,
  type Outcome,
} from '../../../src/observability/alerting/notify/notification-queue.js';
import type { Notice, Notifier } from '../../../src/observability/alerting/notify/notifier.js';
import { SlackNotifier, slackMessage } from '../../../src/observability/alerting/notify/slack.notifier.js';
import { WebhookNotifier } from '../../../src/observability/alerting/notify/webhook.notifier.js';

const alert: Alert = {
  id: 'a1',
  name: 'PoolExhausted',
  source: 'rule',
  instance: 'host:8001',
  severity: 'critical',
  state: 'firing',
  labels: { pool: 'reader' },
  threshold: 'pool_utilization',
  unit: '%',
  value: 100,
  firedValue: 100,
  edge: 100,
  clearEdge: 90,
  direction: 'above',
  unknown: false,
  summary: 'pool <reader> & all',
  description: 'd',
  runbook: 'PoolExhausted',
  dashboard: null,
  startedAtMs: 0,
  firedAtMs: 60_000,
  resolvedAtMs: null,
  updatedAtMs: 60_000,
  ack: null,
};
const notice: Notice = {
  alert,
  occasion: 'firing',
  links: { alert: 'http://t/a', runbook: 'http://t/r', evidence: 'http://t/e' },
};

let server: Server | undefined;
afterEach(() => {
  server?.close();
});

/** A receiver that answers with these statuses in turn, the last one for ever. */
async function receiver(statuses: number[]) {
  const received: { url: string | undefined; body: unknown }[] = [];
  server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk) => {
      text += chunk;
    });
    request.on('end', () => {
      received.push({ url: request.url, body: JSON.parse(text) });
      response.statusCode = (statuses.length > 1 ? statuses.shift() : statuses[0]) as number;
      response.end();
    });
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, received };
}

function watch(notifier: Notifier, waitsMs: readonly number[]) {
  const counts: Partial<Record<Outcome, number>> = {};
  const failures: string[] = [];
  const queue = new NotificationQueue(
    notifier,
    {
      counted: (outcome, count) => {
        counts[outcome] = (counts[outcome] ?? 0) + count;
      },
      delivered: () => {},
      failed: (_, reason) => failures.push(reason),
    },
    waitsMs,
  );
  return { queue, counts, failures };
}

describe('notifications', () => {
  it('go out together and are retried while the receiver fails', async () => {
    const { url, received } = await receiver([503, 429, 200]);
    const { queue, counts } = watch(new WebhookNotifier(url), [1, 1]);
    queue.push(notice);
    queue.push({ ...notice, occasion: 'resolved' });
    await queue.idle();
    expect(counts).toEqual({ retried: 4, sent: 2 });
    expect(received).toHaveLength(3);
    expect(received[2]?.body).toMatchObject({
      version: 1,
      notices: [
        { name: 'PoolExhausted', occasion: 'firing', links: { runbook: 'http://t/r' } },
        { occasion: 'resolved' },
      ],
    });
  });

  it('are given up after a bounded number of attempts, and at once when refused', async () => {
    const failing = await receiver([500]);
    const first = watch(new WebhookNotifier(failing.url), [1, 1]);
    first.queue.push(notice);
    await first.queue.idle();
    expect(first.counts).toEqual({ retried: 2, failed: 1 });
    expect(first.failures).toEqual(['answered 500']);
    server?.close();

    const refusing = await receiver([400]);
    const second = watch(new WebhookNotifier(refusing.url), [1, 1]);
    second.queue.push(notice);
    await second.queue.idle();
    expect(second.counts).toEqual({ failed: 1 });
    expect(refusing.received).toHaveLength(1);
  });

  it('are bounded: the oldest waiting one is dropped and counted', async () => {
    let release = () => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { queue, counts } = watch({ name: 'webhook', repeatEveryMs: null, send: () => gate }, []);
    for (let i = 0; i < 1_010; i++) queue.push(notice);
    release();
    await queue.idle();
    expect(counts).toEqual({ dropped: 10, sent: 1_000 });
  });

  it('do not hold up shutdown while they wait for another attempt', async () => {
    const { url } = await receiver([500]);
    const { queue, counts } = watch(new WebhookNotifier(url), [60_000]);
    queue.push(notice);
    while (counts.retried === undefined) await new Promise((resolve) => setTimeout(resolve, 2));
    queue.push({ ...notice, occasion: 'resolved' });
    await queue.close();
    expect(counts).toEqual({ retried: 1, failed: 2 });
  });

  it('speak the v2 API of Alertmanager', async () => {
    const { url, received } = await receiver([200]);
    await new AlertmanagerNotifier(`${url}/`, () => 100_000).send([notice], AbortSignal.timeout(1_000));
    expect(received[0]).toEqual({
      url: '/api/v2/alerts',
      body: [
        {
          labels: {
            alertname: 'PoolExhausted',
            severity: 'critical',
            threshold: 'pool_utilization',
            instance: 'host:8001',
            pool: 'reader',
            source: 'tidewatch',
          },
          annotations: expect.objectContaining({ runbook_url: 'http://t/r', evidence_url: 'http://t/e' }),
          startsAt: new Date(60_000).toISOString(),
          endsAt: new Date(340_000).toISOString(),
          generatorURL: 'http://t/a',
        },
      ],
    });
  });

  it('speak to what understands the messages of Slack', async () => {
    const { url, received } = await receiver([200]);
    const { queue, counts } = watch(new SlackNotifier(`${url}/services/x`), []);
    queue.push({ ...notice, alert: { ...alert, summary: 'The pool is full' } });
    await queue.idle();
    expect(counts).toEqual({ sent: 1 });
    expect(received[0]).toEqual({
      url: '/services/x',
      body: {
        text: 'FIRING: The pool is full',
        attachments: [
          expect.objectContaining({
            title: 'PoolExhausted (critical)',
            title_link: 'http://t/a',
            fields: expect.arrayContaining([{ title: 'Value', value: '100 %', short: true }]),
          }),
        ],
      },
    });
  });

  it('cannot be made to mention a whole channel by a label', () => {
    const message = JSON.stringify(slackMessage([notice]));
    expect(message).toContain('pool &lt;reader&gt; &amp; all');
    expect(message).toContain('<http://t/r|runbook>');
  });
});
