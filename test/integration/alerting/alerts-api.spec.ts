import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { EventBus } from '../../../src/domain/event-bus.js';
import type { AlertChanged, LimitTransition } from '../../../src/domain/events.js';
import { AlertsService } from '../../../src/observability/alerting/alerts.service.js';
import { collectorSuccess } from '../../../src/observability/catalogue/watching.js';
import { Metrics } from '../../../src/observability/metrics.js';
import { postgres, startApp, type TestApp } from '../../harness/index.js';

interface Notice {
  readonly name: string;
  readonly occasion: string;
  readonly summary: string;
  readonly links: Record<string, string>;
}

let app: TestApp;
let receiver: Server;
let databaseUrl: string;
const notices: Notice[] = [];
const changes: AlertChanged[] = [];

const call = async (method: string, path: string, body?: unknown) => {
  const answer = await fetch(`${app.baseUrl}${path}`, {
    method,
    headers: body === undefined ? {} : { 'content-type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await answer.text();
  const json = answer.headers.get('content-type')?.includes('json') ? JSON.parse(text) : text;
  return { status: answer.status, body: json };
};
const service = () => app.app.get(AlertsService);
const limit = (to: LimitTransition['to'], value: number | null, limitId = 'L1') =>
  app.app.get(EventBus).emit('limit.transition', {
    portfolioId: 'P1',
    limitId,
    limitType: 'var_95',
    from: 'normal',
    to,
    value,
    thresholdValue: 100,
    warningThreshold: 80,
    atMs: Date.now(),
  });
const firing = async (name: string) => {
  const { body } = await call('GET', `/api/v1/alerts?state=firing&name=${name}`);
  return body.alerts;
};

beforeAll(async () => {
  receiver = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk) => {
      text += chunk;
    });
    request.on('end', () => {
      notices.push(...JSON.parse(text).notices);
      response.end();
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  databaseUrl = await postgres().freshDatabase();
  await start();
});
afterAll(async () => {
  await app.stop();
  receiver.close();
});

async function start() {
  app = await startApp({
    DATABASE_URL: databaseUrl,
    ALERT_WEBHOOK_URL: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`,
    PUBLIC_URL: 'https://tidewatch.example/base',
  });
  app.app.get(EventBus).on('alert.changed', (event) => changes.push(event));
}

describe('alerts in the app, with no Prometheus', () => {
  it('fire for a risk limit, are told once, acknowledged with a comment, and resolve', async () => {
    limit('warning', 85);
    limit('breach', 120);
    const [alert] = await firing('RiskLimit');
    expect(alert).toMatchObject({
      source: 'limit',
      severity: 'critical',
      labels: { portfolio: 'P1', limit: 'L1', limit_type: 'var_95' },
      value: 120,
      threshold: 100,
      ack: null,
    });
    service().round();
    await service().center.idle();
    expect(notices.map(({ name, occasion }) => [name, occasion])).toEqual([['RiskLimit', 'firing']]);
    expect(notices[0]?.links.alert).toBe(`https://tidewatch.example/base/api/v1/alerts/${alert.id}`);

    const acked = await call('POST', `/api/v1/alerts/${alert.id}/ack`, { comment: 'on it', by: 'ada' });
    expect(acked).toMatchObject({ status: 200, body: { ack: { by: 'ada', comment: 'on it' } } });
    limit('normal', 10);
    await service().center.idle();
    expect(notices.at(-1)).toMatchObject({ name: 'RiskLimit', occasion: 'resolved' });
    expect(await firing('RiskLimit')).toEqual([]);

    const read = await call('GET', `/api/v1/alerts/${alert.id}`);
    expect(read.body).toMatchObject({ state: 'resolved', ack: { by: 'ada' } });
    expect(read.body.history.map((h: { kind: string }) => h.kind)).toEqual([
      'firing',
      'escalated',
      'notified',
      'acknowledged',
      'resolved',
      'notified',
    ]);
    const again = await call('POST', `/api/v1/alerts/${alert.id}/ack`, { comment: 'too late' });
    expect(again).toMatchObject({ status: 409, body: { code: 'ALERT_RESOLVED' } });
  });

  it('tell the alerts topic about every change, with the state in it', () => {
    const states = changes.filter(({ name }) => name === 'RiskLimit').map(({ data }) => data.severity);
    expect(states).toEqual(['warning', 'critical', 'critical', 'critical']);
    expect(changes.at(-1)?.state).toBe('resolved');
  });

  it('reach a subscriber of the topic over WebSocket', async () => {
    const socket = new WebSocket(`${app.wsUrl}/ws/stream`);
    const got: { type: string; data?: { name: string; state: string; event: { kind: string } } }[] = [];
    socket.addEventListener('message', ({ data }) => got.push(JSON.parse(String(data))));
    await new Promise((resolve) => socket.addEventListener('open', resolve, { once: true }));
    socket.send('{"type":"subscribe","id":1,"topic":"alerts","policy":"all"}');
    const until = async (check: () => boolean) => {
      while (!check()) await new Promise((resolve) => setTimeout(resolve, 10));
    };
    await until(() => got.some(({ type }) => type === 'subscribed'));
    limit('breach', 120, 'L-topic');
    limit('normal', 10, 'L-topic');
    await until(() => got.filter(({ type }) => type === 'message').length === 2);
    expect(
      got.filter(({ type }) => type === 'message').map(({ data }) => [data?.name, data?.event.kind]),
    ).toEqual([
      ['RiskLimit', 'firing'],
      ['RiskLimit', 'resolved'],
    ]);
    socket.close();
  });

  it('neither raise nor resolve anything when a limit is unknown', async () => {
    limit('unknown', null, 'L2');
    expect(await firing('RiskLimit')).toEqual([]);
    limit('breach', 101, 'L2');
    limit('unknown', null, 'L2');
    expect((await firing('RiskLimit'))[0]).toMatchObject({ state: 'firing', data: 'unknown' });
    limit('normal', 1, 'L2');
  });

  it('end with their limit', async () => {
    limit('breach', 101, 'L-gone');
    const [alert] = await firing('RiskLimit');
    app.app.get(EventBus).emit('limit.ended', {
      portfolioId: 'P1',
      limitId: 'L-gone',
      limitType: 'var_95',
      why: 'the limit was deleted',
      atMs: Date.now(),
    });
    const { body } = await call('GET', `/api/v1/alerts/${alert.id}`);
    expect(body).toMatchObject({ state: 'resolved' });
    expect(body.history.at(-1)).toMatchObject({ kind: 'resolved', comment: 'the limit was deleted' });
  });

  it('freeze what the server knew when they fired', async () => {
    await call('PATCH', '/api/v1/ops/collectors/process', { interval_seconds: 7 });
    const before = new Date(Date.now() - 60_000).toISOString();
    await call('PUT', '/api/v1/portfolios/P1', { name: 'P1', currency: 'USD', positions: [] });
    const stored = await call('POST', '/api/v1/ingest/metrics', {
      points: [{ portfolio_id: 'P1', metric_type: 'var_95', value: 95, timestamp: before }],
    });
    expect(stored.body).toMatchObject({ accepted: 1 });
    limit('breach', 130, 'L3');
    const [alert] = await firing('RiskLimit');
    const wait = async (): Promise<{
      status: number;
      body: { sections: Record<string, { data?: unknown }> };
    }> => {
      const answer = await call('GET', `/api/v1/alerts/${alert.id}/evidence`);
      if (answer.status === 200) return answer;
      await new Promise((resolve) => setTimeout(resolve, 20));
      return wait();
    };
    const { body } = await wait();
    expect(Object.keys(body.sections)).toEqual(
      expect.arrayContaining([
        'series',
        'targets',
        'process',
        'signal',
        'top_statements',
        'redis_key_groups',
        'slow_consumers',
        'running_statements',
        'recent_changes',
        'exemplar_traces',
        'configuration',
        'other_alerts',
      ]),
    );
    expect(body.sections.series?.data).toEqual({
      unit: null,
      threshold: 100,
      points: [{ at: before, value: 95 }],
    });
    expect(body.sections.configuration?.data).toMatchObject({
      changed_since_start: [
        { what: 'collector', name: 'process', change: { interval_seconds: 7 }, at: expect.any(String) },
      ],
    });
    // Frozen: what happens afterwards does not change it.
    await call('PATCH', '/api/v1/ops/collectors/process', { interval_seconds: 10 });
    service().round();
    expect((await wait()).body).toEqual(body);
    for (const [name, section] of Object.entries(body.sections)) {
      expect([name, section]).toEqual([name, expect.objectContaining({ data: expect.anything() })]);
    }
    limit('normal', 1, 'L3');
  });

  it('go on over a restart: the same episode, told to nobody twice', async () => {
    limit('breach', 140, 'L4');
    service().round();
    await service().center.idle();
    const [before] = await firing('RiskLimit');
    const told = notices.length;
    await app.stop();
    await start();
    service().round();
    await service().center.idle();
    const [after] = await firing('RiskLimit');
    expect(after.id).toBe(before.id);
    expect(notices).toHaveLength(told);
    limit('normal', 1, 'L4');
    await service().center.idle();
    expect(notices.at(-1)).toMatchObject({ occasion: 'resolved' });
  });

  it('fire for a rule once it has held for its time, and resolve after the last good round', async () => {
    const gauge = app.app.get(Metrics).gauge(collectorSuccess, { collector: 'a-test' });
    const rounds = (fromMs: number, untilMs: number) => {
      for (let t = fromMs; t <= untilMs; t += 5_000) service().round(t);
    };
    const t0 = Date.now();
    gauge.set(0);
    rounds(t0, t0 + 175_000);
    const pending = await call('GET', '/api/v1/alerts?state=pending&name=CollectorFailing');
    expect(pending.body.alerts).toMatchObject([{ labels: { collector: 'a-test' }, value: 0, threshold: 1 }]);
    rounds(t0 + 180_000, t0 + 180_000);
    expect(await firing('CollectorFailing')).toMatchObject([
      { severity: 'warning', summary: 'The collector a-test fails', id: pending.body.alerts[0].id },
    ]);
    gauge.set(1);
    rounds(t0 + 185_000, t0 + 240_000);
    expect(await firing('CollectorFailing')).toHaveLength(1);
    rounds(t0 + 245_000, t0 + 245_000);
    expect(await firing('CollectorFailing')).toEqual([]);
  });
});

describe('an alert that nobody could be told of', () => {
  it('is told after a restart, once the silence that kept it quiet is over', async () => {
    const { body: silence } = await call('POST', '/api/v1/alerts/silences', {
      matchers: { name: 'RiskLimit', labels: { limit: 'L-quiet' } },
      duration: '1h',
      comment: 'quiet over a restart',
    });
    limit('breach', 150, 'L-quiet');
    service().round();
    await service().center.idle();
    const told = notices.length;
    await app.stop();
    await start();
    service().round();
    await service().center.idle();
    expect(notices).toHaveLength(told);
    await call('DELETE', `/api/v1/alerts/silences/${silence.id}`);
    service().round();
    await service().center.idle();
    expect(notices.slice(told)).toMatchObject([{ name: 'RiskLimit', occasion: 'firing' }]);
    limit('normal', 1, 'L-quiet');
  });
});

describe('silences and maintenance windows', () => {
  it('keep an alert quiet until they end, and then it is told', async () => {
    const made = await call('POST', '/api/v1/alerts/silences', {
      matchers: { name: 'RiskLimit', labels: { limit: 'L5' } },
      duration: '1h',
      comment: 'known, being fixed',
      by: 'ada',
    });
    expect(made).toMatchObject({ status: 201, body: { state: 'active', kind: 'silence', by: 'ada' } });
    const told = notices.length;
    limit('breach', 150, 'L5');
    service().round();
    await service().center.idle();
    expect(notices).toHaveLength(told);
    expect((await firing('RiskLimit'))[0]).toMatchObject({
      suppressed_by: { id: made.body.id, kind: 'silence' },
    });
    const metrics = await call('GET', '/metrics');
    expect(metrics.body).toContain('tidewatch_alerts_suppressed 1');
    expect(metrics.body).toContain('tidewatch_alert_silences{kind="silence"} 1');

    const ended = await call('DELETE', `/api/v1/alerts/silences/${made.body.id}`);
    expect(ended).toMatchObject({ status: 200, body: { state: 'ended' } });
    service().round();
    await service().center.idle();
    expect(notices.slice(told)).toMatchObject([{ name: 'RiskLimit', occasion: 'firing' }]);
    limit('normal', 1, 'L5');
  });

  it('cover everything during a maintenance window that names nothing', async () => {
    const window = await call('POST', '/api/v1/alerts/maintenance', { duration: '5m', comment: 'deploy 42' });
    expect(window).toMatchObject({ status: 201, body: { kind: 'maintenance', matchers: {} } });
    const told = notices.length;
    limit('breach', 150, 'L6');
    service().round();
    await service().center.idle();
    expect(notices).toHaveLength(told);
    limit('normal', 1, 'L6');
    expect((await call('GET', '/api/v1/alerts/maintenance')).body.windows).toHaveLength(1);
    await call('DELETE', `/api/v1/alerts/maintenance/${window.body.id}`);
  });

  it('are refused without an end, without a matcher, or when they are over already', async () => {
    const refused = async (path: string, body: unknown) => {
      const answer = await call('POST', `/api/v1/alerts/${path}`, body);
      return [answer.status, answer.body.errors?.[0]?.pointer];
    };
    const matchers = { name: 'RiskLimit' };
    expect(await refused('silences', { matchers, comment: 'x' })).toEqual([422, '/ends_at']);
    expect(await refused('silences', { matchers: {}, comment: 'x', duration: '1h' })).toEqual([
      422,
      '/matchers',
    ]);
    expect(await refused('silences', { matchers, comment: 'x', ends_at: 5 })).toEqual([422, '/ends_at']);
    expect(await refused('silences', { matchers, comment: 'x', duration: '91d' })).toEqual([
      422,
      '/duration',
    ]);
    expect(await refused('silences', { matchers, comment: 'x', duration: '1h', foo: 1 })).toEqual([
      422,
      '/foo',
    ]);
    expect(await refused('maintenance', { comment: '', duration: '1h' })).toEqual([422, '/comment']);
    expect(await refused('maintenance', { comment: ' \t', duration: '1h' })).toEqual([422, '/comment']);
    expect(await refused('maintenance', { comment: 'a\0', duration: '1h' })).toEqual([422, '/comment']);
    const nothing = { labels: {} };
    expect(await refused('silences', { matchers: nothing, comment: 'x', duration: '1h' })).toEqual([
      422,
      '/matchers',
    ]);
    const far = 253_402_300_700_000;
    expect(await refused('silences', { matchers, comment: 'x', duration: '1h', starts_at: far })).toEqual([
      422,
      '/starts_at',
    ]);
    expect(await refused('silences', { matchers, comment: 'x', duration: '1h', starts_at: 8.64e15 })).toEqual(
      [422, '/starts_at'],
    );
    const unknown = await call('DELETE', '/api/v1/alerts/silences/7f3ad8b8-7b8e-4b0e-8f5e-000000000000');
    expect(unknown.status).toBe(404);
  });
});

describe('a test alert', () => {
  it('goes the whole way and says what became of it', async () => {
    const { status, body } = await call('POST', '/api/v1/alerts/test', { severity: 'critical', by: 'ada' });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      name: 'TestAlert',
      notifiers: ['webhook'],
      notifications: [{ kind: 'notified', comment: 'firing, webhook' }],
    });
    expect(notices.at(-1)).toMatchObject({ name: 'TestAlert', occasion: 'firing' });
    expect(await call('POST', '/api/v1/alerts/test')).toMatchObject({
      status: 200,
      body: { severity: 'warning' },
    });
  });
});

describe('backtests', () => {
  it('say when a rule would have fired over the stored samples of its own signal', async () => {
    const gauge = app.app.get(Metrics).gauge(collectorSuccess, { collector: 'b-test' });
    const t0 = Date.now() + 600_000;
    for (let i = 0; i <= 120; i++) {
      gauge.set(i >= 24 && i < 72 ? 0 : 1);
      service().round(t0 + i * 5_000);
    }
    const { status, body } = await call('POST', '/api/v1/alerts/backtest', {
      rule: 'CollectorFailing',
      labels: { collector: 'b-test' },
      from: t0,
      to: t0 + 600_000,
    });
    expect(status).toBe(200);
    expect(body.condition).toMatchObject({ direction: 'below', threshold: 1, for_ms: 180_000 });
    expect(body.series).toMatchObject([{ labels: { collector: 'b-test' }, would_have_fired: 1 }]);
    const [episode] = body.series[0].episodes;
    expect(Date.parse(episode.pending_at)).toBe(t0 + 24 * 5_000);

    const patient = await call('POST', '/api/v1/alerts/backtest', {
      rule: 'CollectorFailing',
      labels: { collector: 'b-test' },
      condition: { for: '10m' },
      from: t0,
      to: t0 + 600_000,
    });
    expect(patient.body.series).toMatchObject([{ would_have_fired: 0, near_misses: 1 }]);
    // What is not changed is the rule's own.
    const { for_ms, ...own } = body.condition;
    expect(patient.body.condition).toEqual({ ...own, for_ms: 600_000 });
    expect(for_ms).not.toBe(600_000);
  });

  it('replay samples that are given', async () => {
    const { body } = await call('POST', '/api/v1/alerts/backtest', {
      condition: { direction: 'above', threshold: 10, clear_threshold: 8, for: '1m' },
      samples: [5, 11, 12, 9, 7].map((value, i) => ({ ts: i * 60_000, value })),
    });
    expect(body.series[0]).toMatchObject({
      would_have_fired: 1,
      episodes: [{ fired_at: '1970-01-01T00:02:00.000Z', resolved_at: '1970-01-01T00:04:00.000Z', peak: 12 }],
    });
  });

  it('are refused by field when they make no sense', async () => {
    const refused = async (body: unknown) => {
      const answer = await call('POST', '/api/v1/alerts/backtest', body);
      return [answer.status, answer.body.errors?.[0]?.pointer];
    };
    expect(await refused({})).toEqual([422, '/rule']);
    expect(await refused({ samples: [{ ts: 1, value: 2 }] })).toEqual([422, '/condition']);
    expect(await refused({ rule: 'CollectorFailing', from: 5, to: 4 })).toEqual([422, '/to']);
    const tomorrow = Date.now() + 86_400_000;
    expect(await refused({ rule: 'CollectorFailing', from: tomorrow })).toEqual([422, '/to']);
    expect(await refused({ rule: 'CollectorFailing', from: 8.64e15 })).toEqual([422, '/from']);
    const given = { samples: [{ ts: 1, value: 2 }], condition: { direction: 'above', threshold: 1 } };
    expect(await refused({ ...given, from: 1 })).toEqual([422, '/from']);
    expect(await refused({ ...given, labels: { pool: 'reader' } })).toEqual([422, '/labels']);
    expect(
      await refused({
        samples: [{ ts: 1, value: 2 }],
        condition: { direction: 'above', threshold: 1, clear_threshold: 2 },
      }),
    ).toEqual([422, '/condition/clear_threshold']);
    expect((await call('POST', '/api/v1/alerts/backtest', { rule: 'Nope' })).status).toBe(404);
  });
});

describe('reading alerts', () => {
  it('pages without holes or repetitions', async () => {
    const all = (await call('GET', '/api/v1/alerts?limit=500')).body.alerts.map((a: { id: string }) => a.id);
    const paged: string[] = [];
    let cursor: string | null = null;
    do {
      const page = await call('GET', `/api/v1/alerts?limit=2${cursor === null ? '' : `&cursor=${cursor}`}`);
      paged.push(...page.body.alerts.map((a: { id: string }) => a.id));
      cursor = page.body.next_cursor;
    } while (cursor !== null);
    expect(paged).toEqual(all);
    expect(all.length).toBeGreaterThan(5);
  });

  it('refuses what it does not understand, and knows what it does not have', async () => {
    expect((await call('GET', '/api/v1/alerts?state=red')).status).toBe(400);
    for (const query of [
      'from=yesterday',
      'from=999999999999999',
      'from=9999999999999999',
      'from=5&to=4',
      'name=%00',
    ])
      expect([query, (await call('GET', `/api/v1/alerts?${query}`)).status]).toEqual([query, 400]);
    expect((await call('GET', '/api/v1/alerts?cursor=xx')).body).toMatchObject({ code: 'INVALID_PARAMETER' });
    expect((await call('GET', '/api/v1/alerts/7f3ad8b8-7b8e-4b0e-8f5e-000000000000')).status).toBe(404);
    expect((await call('GET', '/api/v1/alerts/none')).status).toBe(400);
    expect((await call('GET', '/api/v1/alerts/runbooks/..%2F..%2Fpackage')).status).toBe(400);
  });

  it('lists every rule and whether it can fire', async () => {
    const { body } = await call('GET', '/api/v1/alerts/rules');
    const rule = body.rules.find((r: { name: string }) => r.name === 'CollectorFailing');
    expect(rule).toMatchObject({ judged_by: ['app', 'prometheus'], for: '3m', severity: 'warning' });
  });
});
