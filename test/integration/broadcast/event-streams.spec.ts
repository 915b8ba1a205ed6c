import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Hub } from '../../../src/broadcast/hub.js';
import type { SettingName } from '../../../src/config/schema.js';
import { wsSlowClosed } from '../../../src/observability/catalogue/broadcast.js';
import { Metrics } from '../../../src/observability/metrics.js';
import type { CounterSeries } from '../../../src/observability/series.js';
import { redisUrl, startApp, type TestApp } from '../../harness/index.js';
import { EventSourceClient } from './event-source.js';

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe('server-sent events', () => {
  const servers: TestApp[] = [];
  const open: EventSourceClient[] = [];
  const start = async (settings: Partial<Record<SettingName, string>> = {}) => {
    const server = await startApp(settings);
    servers.push(server);
    return server;
  };
  const listen = async ({ baseUrl }: TestApp, query: string, headers = {}) => {
    const client = await EventSourceClient.open(`${baseUrl}/api/v1/stream?${query}`, headers);
    open.push(client);
    return client;
  };
  const refusal = (promise: Promise<unknown>): Promise<unknown[]> =>
    promise.then(
      () => [200],
      ({ status, body }: { status: number; body: { code: string } }) => [status, body.code],
    );

  afterEach(async () => {
    for (const client of open.splice(0)) client.close();
    await Promise.all(servers.splice(0).map((server) => server.stop()));
  });

  it('resume at another node with the id of the last event, without gap or duplicate', async () => {
    const shared = { REDIS_URL: await redisUrl() };
    const [one, two] = [await start(shared), await start(shared)];
    const publish = (server: TestApp, ...data: number[]) =>
      server.app
        .get(Hub)
        .publishAll(data.flatMap((n) => ['custom.a', 'custom.b'].map((topic) => ({ topic, data: n }))));
    const first = await listen(one, 'topic=custom.a,custom.b');
    await first.until((e) => e.event === 'subscribed' && e.data.topic === 'custom.b');
    await publish(one, 1, 2);
    await first.until((e) => e.data.topic === 'custom.b' && e.data.data === 2);
    const { id } = first.events.at(-1)!;
    first.close();
    await publish(one, 3);
    await publish(two, 4);
    const second = await listen(two, 'topic=custom.a,custom.b', { 'last-event-id': id! });
    await publish(one, 5);
    await second.until((e) => e.data.topic === 'custom.b' && e.data.data === 5);
    await second.until((e) => e.data.topic === 'custom.a' && e.data.data === 5);
    for (const topic of ['custom.a', 'custom.b']) {
      const mine = second.events.filter((e) => e.data.topic === topic);
      expect(mine[0]).toMatchObject({ event: 'subscribed', data: { recovered: true } });
      expect(mine.slice(1).map((e) => [e.data.offset, e.data.data])).toEqual([
        [3, 3],
        [4, 4],
        [5, 5],
      ]);
    }
  });

  it('tell a client that is too slow why it is closed, with bounded memory; the others notice nothing', async () => {
    const server = await start({ WS_MAX_QUEUED_BYTES: '200000' });
    const hub = server.app.get(Hub);
    const healthy = await listen(server, 'topic=custom.flow');
    await healthy.until((e) => e.event === 'subscribed');
    const { port } = new URL(server.baseUrl);
    const slow: Socket = connect(Number(port), '127.0.0.1');
    let text = '';
    slow.setEncoding('utf8').on('data', (chunk) => {
      text += chunk;
    });
    slow.write(`GET /api/v1/stream?topic=custom.flow HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
    while (!text.includes('event: subscribed')) await sleep(5);
    slow.pause();
    const pad = randomBytes(2_000).toString('hex');
    let sent = 0;
    while (closed(server) === 0 && sent < 20_000) {
      hub.publish('custom.flow', { pad });
      if (++sent % 10 === 0) await sleep(11);
    }
    expect(closed(server)).toBe(1);
    slow.resume();
    while (!text.includes('event: close') && !slow.destroyed) await sleep(5);
    const events = [...text.matchAll(/event: (\w+)\r?\ndata: (.*)/g)];
    expect(JSON.parse(events.at(-1)![2]!)).toEqual({ code: 3008, reason: 'slow consumer' });
    const offsets = events
      .filter(([, event]) => event === 'message')
      .map(([, , data]) => (JSON.parse(data!) as { offset: number }).offset);
    expect(offsets).toEqual(offsets.map((_, i) => i + 1));
    expect(offsets.length).toBeLessThan(sent);
    await healthy.until((e) => e.data.offset === sent, 10_000);
    slow.destroy();
  }, 30_000);

  it('share the limits of WebSockets, lose a revoked key within a second, and obey an operator', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tidewatch-keys-'));
    const path = join(folder, 'keys.json');
    const hash = (key: string) => `sha256:${createHash('sha256').update(key).digest('hex')}`;
    const desk = { id: 'desk', hash: hash('k-desk'), scopes: ['read'], portfolios: ['P1'] };
    const ops = { id: 'ops', hash: hash('k-ops'), scopes: ['admin'] };
    const write = (...keys: object[]) => {
      writeFileSync(`${path}.new`, JSON.stringify({ keys }));
      renameSync(`${path}.new`, path);
    };
    write(desk, ops);
    const server = await start({
      API_KEYS: path,
      WS_MAX_CONNECTIONS_PER_KEY: '2',
      WS_MAX_CONNECTIONS_PER_ADDRESS: '3',
    });
    const as = (key: string) => ({ authorization: `Bearer ${key}` });
    expect(await refusal(listen(server, 'topic=custom.a'))).toEqual([401, 'KEY_REQUIRED']);
    expect(await refusal(listen(server, 'topic=analytics.P2', as('k-desk')))).toEqual([
      403,
      'FORBIDDEN_TOPIC',
    ]);
    expect(await refusal(listen(server, 'topic=analytics.*', as('k-desk')))).toEqual([
      403,
      'FORBIDDEN_TOPIC',
    ]);
    const mine = await listen(server, 'topic=analytics.P1', as('k-desk'));
    const theirs = await listen(server, 'topic=system', as('k-ops'));
    await listen(server, 'topic=system', as('k-ops'));
    expect(await refusal(listen(server, 'topic=system', as('k-desk')))).toEqual([
      429,
      'TOO_MANY_CONNECTIONS',
    ]);
    open.pop()?.close();
    await sleep(50);
    await listen(server, 'topic=system', as('k-desk'));
    expect(await refusal(listen(server, 'topic=system', as('k-desk')))).toEqual([
      429,
      'TOO_MANY_CONNECTIONS',
    ]);
    await sleep(20);
    const started = Date.now();
    write(ops);
    expect((await mine.until((e) => e.event === 'close')).data).toMatchObject({ code: 4002 });
    expect(Date.now() - started).toBeLessThan(1_000);
    expect(theirs.events.some((e) => e.event === 'close')).toBe(false);
    const answer = await fetch(`${server.baseUrl}/api/v1/ops/connections?key=ops`, {
      method: 'DELETE',
      headers: as('k-ops'),
    });
    expect(await answer.json()).toEqual({ closed: 1 });
    expect((await theirs.until((e) => e.event === 'close')).data).toMatchObject({ code: 4004 });
    rmSync(folder, { recursive: true });
  });
});

/** Clients closed for being slow, as the metrics count them. */
const closed = (server: TestApp): number =>
  (server.app.get(Metrics).counter(wsSlowClosed, {}) as CounterSeries).value;
