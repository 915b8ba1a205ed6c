import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Hub } from '../../../src/broadcast/hub.js';
import { startApp, type TestApp } from '../../harness/index.js';
import { jsonApi } from '../../harness/json-api.js';
import { EventSourceClient } from './event-source.js';
import { WsClient } from './ws-client.js';

describe('the server API of topics', () => {
  let server: TestApp;
  let hub: Hub;
  const open: { close(): unknown }[] = [];
  const call = jsonApi(() => server.baseUrl);
  const connect = async () => {
    const client = await WsClient.open(`${server.wsUrl}/ws/stream`);
    open.push({ close: () => client.socket.terminate() });
    return client;
  };
  const listen = async (path: string, headers = {}) => {
    const client = await EventSourceClient.open(`${server.baseUrl}${path}`, headers);
    open.push(client);
    return client;
  };

  beforeAll(async () => {
    server = await startApp();
    hub = server.app.get(Hub);
  });
  afterEach(() => {
    for (const client of open.splice(0)) client.close();
  });
  afterAll(() => server.stop());

  it('publishes in order, answers with the offsets, and passes ts and seq through', async () => {
    const client = await connect();
    await client.subscribe('custom.pub');
    const messages = Array.from({ length: 1_000 }, (_, seq) => ({
      topic: 'custom.pub',
      data: { seq, ts: seq / 8 },
    }));
    const { status, body } = await call('POST', 'publish', { messages });
    expect(status).toBe(200);
    expect(body).toMatchObject({ published: 1_000, offsets: messages.map((_, i) => i + 1) });
    expect(body.positions[999]).toMatchObject({ topic: 'custom.pub', offset: 1_000 });
    const got = await client.received(1_000);
    expect(got.map((m) => m.data)).toEqual(messages.map((m) => m.data));
    expect(got.map((m) => m.offset)).toEqual(messages.map((_, i) => i + 1));
  });

  it.each([
    ['no messages', [], '/messages', 'TOO_SMALL'],
    ['too many', Array(1_001).fill({ topic: 'custom.a', data: 1 }), '/messages', 'TOO_BIG'],
    ['a topic of the server', [{ topic: 'prices.AAPL', data: 1 }], '/messages/0/topic', 'UNKNOWN_TOPIC'],
    ['a family', [{ topic: 'custom.*', data: 1 }], '/messages/0/topic', 'UNKNOWN_TOPIC'],
    ['no data', [{ topic: 'custom.a' }], '/messages/0/data', 'MISSING'],
    [
      'data that is too deep to be read by recursion',
      [{ topic: 'custom.a', data: JSON.parse(`${'['.repeat(4_000)}${']'.repeat(4_000)}`) }],
      '/messages/0/data',
      'TOO_DEEP',
    ],
    [
      'an unknown field',
      [{ topic: 'custom.a', data: 1, retain: true }],
      '/messages/0/retain',
      'UNKNOWN_FIELD',
    ],
    ['too much data', [{ topic: 'custom.a', data: 'x'.repeat(70_000) }], '/messages/0/data', 'TOO_BIG'],
  ])('refuses %s and names the field', async (_name, messages, pointer, code) => {
    const { status, body } = await call('POST', 'publish', { messages });
    expect([status, body.code, body.errors[0].pointer, body.errors[0].code]).toEqual([
      422,
      'VALIDATION_FAILED',
      pointer,
      code,
    ]);
  });

  it('refuses a number beyond the range of numbers where it stands', async () => {
    const response = await fetch(`${server.baseUrl}/api/v1/publish`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"messages":[{"topic":"custom.a","data":{"x":[1,1e400]}}]}',
    });
    const { errors } = (await response.json()) as { errors: object[] };
    expect([response.status, errors]).toMatchObject([
      422,
      [{ pointer: '/messages/0/data/x/1', code: 'OUT_OF_RANGE' }],
    ]);
  });

  it('serves the same publications as server-sent events, and resumes them', async () => {
    const stream = await listen('/api/v1/stream?topic=custom.sse,custom.other');
    await stream.until((e) => e.event === 'subscribed' && e.data.topic === 'custom.other');
    await hub.publishAll([1, 2, 3].map((n) => ({ topic: n === 2 ? 'custom.other' : 'custom.sse', data: n })));
    while (stream.messages().length < 3) await new Promise((resolve) => setTimeout(resolve, 5));
    const of = (topic: string) => stream.messages().filter((m) => m.topic === topic);
    expect(of('custom.sse')).toMatchObject([
      { offset: 1, data: 1 },
      { offset: 2, data: 3 },
    ]);
    expect(of('custom.other')).toMatchObject([{ offset: 1, data: 2 }]);
    const { id } = stream.events.at(-1)!;
    stream.close();
    await hub.publishAll([4, 5].map((n) => ({ topic: 'custom.sse', data: n })));
    const again = await listen('/api/v1/stream?topic=custom.sse&topic=custom.other', {
      'last-event-id': id!,
    });
    await again.until((e) => e.data.data === 5);
    expect(again.events[0]).toMatchObject({
      event: 'subscribed',
      data: { topic: 'custom.sse', recovered: true },
    });
    expect(again.messages().map((m) => m.data)).toEqual([4, 5]);
    const foreign = await listen('/api/v1/stream?topic=custom.sse&last_event_id=custom.sse%20nowhere%201');
    expect((await foreign.until((e) => e.event === 'subscribed')).data).toMatchObject({
      recovered: false,
      snapshot: 5,
    });
  });

  it('conflates server-sent events, and serves families', async () => {
    const stream = await listen('/api/v1/stream?topic=custom.fam.*&policy=conflate&every_ms=50');
    // A family without topics has nothing to announce: wait until it is followed.
    while (!hub.isFollowed('custom.fam.x')) await new Promise((resolve) => setTimeout(resolve, 5));
    for (let n = 1; n <= 30; n++) hub.publish('custom.fam.x', n);
    await stream.until((e) => e.data.data === 30);
    expect(stream.messages().length).toBeLessThan(4);
  });

  it.each([
    ['/api/v1/stream', 400],
    ['/api/v1/stream?topic=nowhere', 400],
    ['/api/v1/stream?topic=custom.a&policy=most', 400],
    ['/api/v1/stream?topic=custom.a&shout=1', 400],
    ['/api/v1/stream?topic=custom.a&every_ms=100', 400],
    ['/api/v1/stream?topic=custom.a&policy=all&key=k', 400],
  ])('refuses %s', async (path, status) => {
    await expect(listen(path)).rejects.toMatchObject({ status });
  });

  it('lists connections with their topics and lag, and disconnects one', async () => {
    const client = await connect();
    await client.subscribe('custom.listed', { policy: 'conflate', every_ms: 20 });
    const { body } = await call('GET', 'ops/connections?topic=custom.listed');
    expect(body.items).toMatchObject([
      {
        path: '/ws/stream',
        address: '127.0.0.1',
        key: 'loopback',
        topics: [{ topic: 'custom.listed', policy: 'conflate', every_ms: 20, in_step: true }],
        lag_messages: 0,
        lag_ms: 0,
        bytes_queued: 0,
        dropped: 0,
      },
    ]);
    await hub.publishAll(Array.from({ length: 10 }, (_, n) => ({ topic: 'custom.listed', data: n })));
    await client.next((m) => m.data === 9);
    const { id } = body.items[0];
    const read = await call('GET', `ops/connections/${id}`);
    expect(read.body.dropped).toBeGreaterThan(5);
    expect((await call('DELETE', `ops/connections/${id}`)).status).toBe(204);
    expect((await client.whenClosed()).code).toBe(4004);
    expect((await call('GET', `ops/connections/${id}`)).status).toBe(404);
    expect((await call('GET', 'ops/connections/x')).status).toBe(400);
    expect((await call('DELETE', 'ops/connections')).status).toBe(400);
    const others = [await connect(), await connect()];
    expect((await call('DELETE', 'ops/connections?address=127.0.0.1')).body).toEqual({ closed: 2 });
    for (const other of others) expect((await other.whenClosed()).code).toBe(4004);
  });

  it('pages through connections and event streams by age', async () => {
    await connect();
    const stream = await listen('/api/v1/stream?topic=custom.paged&policy=conflate');
    await stream.until((e) => e.event === 'subscribed');
    await connect();
    const first = (await call('GET', 'ops/connections?limit=2')).body;
    const second = (await call('GET', `ops/connections?limit=2&cursor=${first.next_cursor}`)).body;
    expect([first.total, first.event_streams, second.next_cursor]).toEqual([3, 1, null]);
    expect([...first.items, ...second.items].map((item) => item.transport)).toEqual([
      'websocket',
      'sse',
      'websocket',
    ]);
    expect(first.items[1]).toMatchObject({
      path: '/api/v1/stream',
      key: 'loopback',
      topics: [{ topic: 'custom.paged', policy: 'conflate', in_step: true }],
      lag_messages: 0,
      lag_ms: 0,
      bytes_queued: 0,
      dropped: 0,
    });
  });

  it('ends one event stream as an operator asks', async () => {
    const stream = await listen('/api/v1/stream?topic=custom.ended');
    await stream.until((e) => e.event === 'subscribed');
    const { body } = await call('GET', 'ops/connections?topic=custom.ended');
    expect((await call('GET', `ops/connections/${body.items[0].id}`)).body.transport).toBe('sse');
    expect((await call('DELETE', `ops/connections/${body.items[0].id}`)).status).toBe(204);
    expect((await stream.until((e) => e.event === 'close')).data).toMatchObject({ code: 4004 });
  });

  it('knows the nodes and where to connect', async () => {
    const nodes = await call('GET', 'ops/nodes');
    expect(nodes.body.items).toHaveLength(1);
    expect(nodes.body).toMatchObject({ broker: { kind: 'redis', status: 'ok' } });
    const { body } = await call('GET', 'ws/endpoint');
    expect(body).toMatchObject({ url: `${server.wsUrl}/ws/stream`, node_id: nodes.body.this_node });
    const client = await WsClient.open(body.url);
    client.socket.terminate();
  });

  it('says what is known of topics', async () => {
    await hub.publishAll([{ topic: 'custom.known', data: 1 }]);
    const client = await connect();
    await client.subscribe('custom.known');
    const { body } = await call('GET', 'ops/topics?prefix=custom.known');
    expect(body.items).toMatchObject([{ topic: 'custom.known', offset: 1, subscribers: 1 }]);
    expect((await call('GET', 'ops/topics?prefix=zzz')).status).toBe(404);
  });

  it('lets an admin look on at a topic', async () => {
    const client = await connect();
    await client.subscribe('custom.tapped');
    const tap = await listen('/api/v1/ops/tap?topic=custom.tapped');
    await tap.until((e) => e.event === 'tapping');
    hub.publish('custom.tapped', { n: 1 });
    await tap.until((e) => e.event === 'delivered');
    expect(tap.events.slice(1)).toMatchObject([
      { event: 'published', data: { offset: 1, data: { n: 1 }, lanes: [{ policy: 'all', subscribers: 1 }] } },
      { event: 'delivered', data: { messages: 1, subscribers: 1 } },
    ]);
    tap.close();
    while (hub.taps.size > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  });

  it('answers HEAD with the headers and opens no stream', async () => {
    for (const path of ['stream?topic=custom.head', 'ops/tap?topic=custom.head']) {
      const response = await fetch(`${server.baseUrl}/api/v1/${path}`, { method: 'HEAD' });
      expect([response.status, response.headers.get('content-type')]).toEqual([
        200,
        'text/event-stream; charset=utf-8',
      ]);
    }
    expect(hub.taps.size).toBe(0);
    expect((await call('GET', 'ops/connections?topic=custom.head')).body.items).toEqual([]);
  });

  it('ends event streams at shutdown with the time to come back', async () => {
    const other = await startApp();
    const stream = await EventSourceClient.open(`${other.baseUrl}/api/v1/stream?topic=system`);
    await stream.until((e) => e.event === 'subscribed');
    const client = await WsClient.open(`${other.wsUrl}/ws/stream`);
    open.push({ close: () => client.socket.terminate() });
    await client.subscribe('system');
    await other.stop();
    const { data } = await stream.until((e) => e.event === 'close');
    // The last word comes before the goodbye.
    expect(stream.messages()).toMatchObject([{ data: { event: 'draining' } }]);
    expect(client.publications('system')).toMatchObject([{ data: { event: 'draining' } }]);
    expect(data.code).toBe(1012);
    expect(JSON.parse(data.reason as string)).toHaveProperty('reconnect_after_ms');
    while (!stream.ended) await new Promise((resolve) => setTimeout(resolve, 5));
  });
});
