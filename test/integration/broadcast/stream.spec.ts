import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Hub } from '../../../src/broadcast/hub.js';
import { EventBus } from '../../../src/domain/event-bus.js';
import { startApp, type TestApp } from '../../harness/index.js';
import { WsClient } from './ws-client.js';

describe.each(['memory', 'redis'])('/ws/stream with the %s broker', (broker) => {
  let server: TestApp;
  let hub: Hub;
  const clients: WsClient[] = [];
  const connect = async (path = '/ws/stream') => {
    const client = await WsClient.open(`${server.wsUrl}${path}`);
    clients.push(client);
    return client;
  };

  beforeAll(async () => {
    server = await startApp({ BROKER: broker });
    hub = server.app.get(Hub);
  }, 60_000);

  afterAll(async () => {
    for (const client of clients) client.socket.terminate();
    await server.stop();
  });

  it('answers a ping at both endpoints with the same timestamp', async () => {
    for (const path of ['/ws/system/health', '/ws/stream']) {
      const client = await connect(path);
      const stamps = [1234, 1700000000000.123, 0, -5, 1e21, 'x'];
      for (const timestamp of stamps) client.send({ type: 'ping', timestamp });
      client.send('{"type": "ping", "timestamp": 77.5, "extra": [1]}');
      await client.next((m) => m.timestamp === 77.5);
      expect(client.messages.map((m) => [m.type, m.timestamp])).toEqual(
        [...stamps, 77.5].map((timestamp) => ['pong', timestamp]),
      );
      expect(Math.abs((client.messages[0]?.server_time as number) - Date.now())).toBeLessThan(5_000);
    }
  });

  it('gives a snapshot on subscribe and then every publication, in order', async () => {
    await hub.publishAll([{ topic: 'custom.order', data: { n: 0 } }]);
    const client = await connect();
    const subscribed = await client.subscribe('custom.order');
    expect(subscribed).toMatchObject({
      type: 'subscribed',
      topic: 'custom.order',
      offset: 1,
      snapshot: { n: 0 },
    });
    for (let n = 1; n <= 500; n++) hub.publish('custom.order', { n });
    const got = await client.received(500);
    expect(got.map((m) => [m.offset, (m.data as { n: number }).n])).toEqual(
      Array.from({ length: 500 }, (_, i) => [i + 2, i + 1]),
    );
  });

  it('resumes after what the client has, without gap or duplicate', async () => {
    for (let n = 1; n <= 20; n++) await hub.publishAll([{ topic: 'custom.resume', data: { n } }]);
    const first = await connect();
    const { epoch } = await first.subscribe('custom.resume');
    const second = await connect();
    const answer = await second.subscribe('custom.resume', { since: { epoch, offset: 12 } });
    expect(answer).toMatchObject({ recovered: true, offset: 20 });
    hub.publish('custom.resume', { n: 21 });
    const got = await second.received(9);
    expect(got.map((m) => m.offset)).toEqual([13, 14, 15, 16, 17, 18, 19, 20, 21]);
    // A client knows its subscription before the first message of it.
    expect(second.messages[0]).toEqual(answer);
  });

  it('says why it cannot resume', async () => {
    await hub.publishAll([{ topic: 'custom.lost', data: 1 }]);
    const client = await connect();
    const { epoch } = await client.subscribe('custom.lost');
    client.send({ type: 'unsubscribe', id: 'u', topic: 'custom.lost' });
    await client.next((m) => m.id === 'u');
    expect(await client.subscribe('custom.lost', { since: { epoch: 'other', offset: 1 } })).toMatchObject({
      recovered: false,
      reason: 'epoch_changed',
    });
    client.send({ type: 'unsubscribe', id: 'v', topic: 'custom.lost' });
    expect(await client.subscribe('custom.lost', { since: { epoch, offset: 9 } })).toMatchObject({
      recovered: false,
      reason: 'offset_ahead',
    });
  });

  it('conflates to the newest at the asked rate and names what it skipped', async () => {
    const client = await connect();
    await client.subscribe('custom.fast', { policy: 'conflate', every_ms: 50 });
    const started = Date.now();
    for (let n = 1; n <= 200; n++) {
      hub.publish('custom.fast', { n });
      if (n % 20 === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await client.next((m) => (m.data as { n?: number } | undefined)?.n === 200);
    const got = client.publications();
    expect(got.length).toBeLessThanOrEqual(Math.ceil((Date.now() - started) / 50) + 1);
    let last = 0;
    for (const { offset, skipped } of got as { offset: number; skipped?: { from: number; to: number } }[]) {
      expect(skipped).toEqual(offset === last + 1 ? undefined : { from: last + 1, to: offset - 1 });
      last = offset;
    }
    expect(last).toBe(200);
  });

  it('conflates by key', async () => {
    const client = await connect();
    await client.subscribe('custom.keyed', { policy: 'conflate', every_ms: 50, key: 'k' });
    hub.publish('custom.keyed', { k: 'z', n: 0 });
    await client.received(1);
    for (let n = 1; n <= 30; n++) hub.publish('custom.keyed', { k: n % 2 ? 'a' : 'b', n });
    const got = await client.received(3);
    expect(got.slice(1).map((m) => [m.data, m.skipped])).toEqual([
      [
        { k: 'a', n: 29 },
        { from: 2, to: 29 },
      ],
      [{ k: 'b', n: 30 }, undefined],
    ]);
  });

  it('sends a family’s topics, also those that begin later, once each', async () => {
    await hub.publishAll([{ topic: 'custom.f.one', data: 1 }]);
    const client = await connect();
    const answer = await client.subscribe('custom.f.*');
    expect(answer).toMatchObject({ snapshot: { 'custom.f.one': 1 } });
    await client.subscribe('custom.f.one');
    hub.publish('custom.f.one', 2);
    hub.publish('custom.f.two', 'x');
    hub.publish('custom.g', 'not mine');
    hub.publish('custom.f.two', 'y');
    const got = await client.received(3);
    expect(got.map((m) => [m.topic, m.offset, m.data]).sort()).toEqual([
      ['custom.f.one', 2, 2],
      ['custom.f.two', 1, 'x'],
      ['custom.f.two', 2, 'y'],
    ]);
  });

  it('sends merge patches that add up to the whole', async () => {
    const big = 'x'.repeat(300);
    await hub.publishAll([{ topic: 'custom.delta', data: { big, n: 0 } }]);
    const client = await connect();
    await client.subscribe('custom.delta', { delta: true });
    hub.publish('custom.delta', { big, n: 1 });
    hub.publish('custom.delta', { big, n: 2 });
    const got = await client.received(2);
    expect(got[0]).toMatchObject({ offset: 2, data: { big, n: 1 } });
    expect(got[1]).toMatchObject({ offset: 3, base: 2, patch: { n: 2 } });
    expect(got[1]).not.toHaveProperty('data');
  });

  it('does what a client says of one topic in the order in which it says it', async () => {
    const client = await connect();
    const topic = 'custom.order';
    for (const [id, type] of [
      'subscribe',
      'unsubscribe',
      'subscribe',
      'unsubscribe',
      'subscribe',
    ].entries()) {
      client.send({ type, id, topic });
    }
    await client.next((m) => m.id === 4);
    expect(client.messages.map(({ id, type }) => [id, type])).toEqual([
      [0, 'subscribed'],
      [1, 'unsubscribed'],
      [2, 'subscribed'],
      [3, 'unsubscribed'],
      [4, 'subscribed'],
    ]);
    expect(await client.request({ type: 'subscribe', id: 5, topic })).toMatchObject({
      code: 'ALREADY_SUBSCRIBED',
    });
    hub.publish(topic, 1);
    await client.received(1);
    expect(client.publications()).toHaveLength(1);
  });

  it('answers rubbish with typed errors and lives', async () => {
    const client = await connect();
    const bad: [text: string, id: unknown, code: string, field?: [pointer: string, code: string]][] = [
      ['{', null, 'MALFORMED_JSON'],
      ['[]', null, 'VALIDATION_FAILED', ['', 'INVALID']],
      ['"x"', null, 'VALIDATION_FAILED', ['', 'INVALID']],
      ['{"type":"nope","id":1}', 1, 'UNKNOWN_TYPE', ['/type', 'UNKNOWN_TYPE']],
      ['{"type":"__proto__","id":"a"}', 'a', 'UNKNOWN_TYPE', ['/type', 'UNKNOWN_TYPE']],
      ['{"type":"subscribe","id":1}', 1, 'VALIDATION_FAILED', ['/topic', 'INVALID_TYPE']],
      [
        '{"type":"subscribe","id":{},"topic":"custom.x"}',
        null,
        'VALIDATION_FAILED',
        ['/id', 'INVALID_UNION'],
      ],
      [
        '{"type":"subscribe","id":1,"topic":"custom.x","shout":true}',
        1,
        'VALIDATION_FAILED',
        ['/shout', 'UNKNOWN_FIELD'],
      ],
      [
        '{"type":"subscribe","id":1,"topic":"custom.x","policy":"some"}',
        1,
        'VALIDATION_FAILED',
        ['/policy', 'INVALID_VALUE'],
      ],
      [
        '{"type":"subscribe","id":1,"topic":"custom.x","every_ms":100}',
        1,
        'VALIDATION_FAILED',
        ['/every_ms', 'INVALID'],
      ],
      [
        '{"type":"subscribe","id":1,"topic":"custom.x","since":{"custom.x":{"epoch":"e","offset":1}}}',
        1,
        'VALIDATION_FAILED',
        ['/since', 'INVALID'],
      ],
      ['{"type":"subscribe","id":1,"topic":"nowhere.x"}', 1, 'UNKNOWN_TOPIC', ['/topic', 'UNKNOWN_TOPIC']],
      ['{"type":"subscribe","id":1,"topic":"*"}', 1, 'UNKNOWN_TOPIC', ['/topic', 'UNKNOWN_TOPIC']],
      ['{"type":"subscribe","id":1,"topic":"prices.A*"}', 1, 'UNKNOWN_TOPIC', ['/topic', 'UNKNOWN_TOPIC']],
      [
        '{"type":"subscribe","id":1,"topic":"custom.x","topic":"custom.y"}',
        null,
        'VALIDATION_FAILED',
        ['/topic', 'DUPLICATE_KEY'],
      ],
      ['{"type":"unsubscribe","id":1,"topic":"custom.x"}', 1, 'NOT_SUBSCRIBED', ['/topic', 'NOT_SUBSCRIBED']],
    ];
    for (const [text] of bad) client.send(text);
    // An answer that nothing has to be looked up for may come before an earlier one.
    await client.next((m) => m.code === 'NOT_SUBSCRIBED');
    client.socket.send(Buffer.from([1, 2, 3]));
    await client.next((m) => m.code === 'BINARY_UNSUPPORTED');
    expect(client.messages).toHaveLength(bad.length + 1);
    for (const [i, [, id, code, field]] of bad.entries()) {
      const { detail, errors, ...answer } = client.messages[i] as Record<string, unknown> & {
        errors?: { pointer: string; code: string }[];
      };
      expect(answer).toEqual({ type: 'error', id, code, message: detail, status: expect.any(Number) });
      expect(errors?.map((e) => [e.pointer, e.code])).toEqual(field && [field]);
    }
    await client.subscribe('custom.x');
    expect(await client.subscribe('custom.x')).toMatchObject({ code: 'ALREADY_SUBSCRIBED' });
  });

  it('gives the present summary as the first snapshot, before anything was published', async () => {
    const created = await fetch(`${server.baseUrl}/api/v1/portfolios/FIRST`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'First', currency: 'USD', positions: [{ symbol: 'AAA', quantity: 1 }] }),
    });
    expect(created.status).toBe(201);
    const client = await connect();
    expect(await client.subscribe('analytics.FIRST')).toMatchObject({
      snapshot: { portfolio_id: 'FIRST', current_value: null },
    });
    for (const [topic, snapshot_reason] of [
      ['analytics.NOBODY', 'unknown_portfolio'],
      ['risk.NOBODY', 'unknown_portfolio'],
      ['risk.FIRST', 'not_computed'],
      ['limits.NOBODY', 'unknown_portfolio'],
      ['prices.NONE', 'no_price'],
      ['custom.none', 'nothing_published'],
    ] as const) {
      expect(await client.subscribe(topic)).toMatchObject({ offset: 0, snapshot: null, snapshot_reason });
    }
  });

  it('tells whoever begins to follow portfolios of the present, of every change from then on, and of what came in a pause', async () => {
    const send = (method: string, path: string, body: object) =>
      fetch(`${server.baseUrl}/api/v1${path}`, {
        method,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
    const ids = Array.from({ length: 12 }, (_, i) => `ALONE_${i}`);
    const topics = ids.map((id) => `analytics.${id}`);
    for (const [i, id] of ids.entries()) {
      const positions = [{ symbol: `ALONE.${i}`, quantity: 1 + i }];
      expect((await send('PUT', `/portfolios/${id}`, { name: id, currency: 'USD', positions })).status).toBe(
        201,
      );
    }
    const price = async (value: number): Promise<void> => {
      const ticks = ids.map((_, i) => ({ symbol: `ALONE.${i}`, price: value, ts: Date.now() }));
      expect((await send('POST', '/ingest/ticks', { ticks })).status).toBe(200);
    };
    /** The newest value of each that the client has been told, as a price. */
    const told = (client: WsClient): number[] =>
      topics.map((topic, i) => {
        const answer = client.messages.find((m) => m.type === 'subscribed')!;
        const snapshot = (answer.snapshot as Record<string, unknown>)[topic];
        const known = (client.publications(topic).at(-1)?.data ?? snapshot) as {
          current_value: number;
        } | null;
        // What was passed over is no snapshot: it comes as a message.
        return known === null || known === undefined ? 0 : known.current_value / (1 + i);
      });
    const until = async (client: WsClient, value: number): Promise<void> => {
      const isTold = () => told(client).every((x) => x === value);
      for (const end = Date.now() + 5_000; !isTold() && Date.now() < end; ) await sleep(20);
      expect(told(client)).toEqual(ids.map(() => value));
    };
    /** Where a client stands in a topic: its newest message, or what it was told when it began or was moved. */
    const standing = (client: WsClient, topic: string): { epoch: string; offset: number } => {
      let at = { epoch: '', offset: 0 };
      for (const m of client.messages as {
        type: string;
        topic: string;
        epoch: string;
        offset: number;
        topics?: [];
      }[]) {
        const named =
          m.type === 'subscribed' ? m.topics?.find((t: { topic: string }) => t.topic === topic) : undefined;
        if (named) at = named;
        else if (m.topic === topic) at = { epoch: m.epoch ?? at.epoch, offset: m.offset };
      }
      return { epoch: at.epoch, offset: at.offset };
    };
    // Nobody follows them: most of these summaries are never made.
    for (let value = 1; value <= 5; value++) await price(value);

    const follow = async (): Promise<WsClient> => {
      const client = await connect();
      await client.subscribe('analytics.*');
      return client;
    };
    const first = await follow();
    await until(first, 5);
    for (let value = 6; value <= 8; value++) {
      await price(value);
      await until(first, value);
    }
    const since = Object.fromEntries(topics.map((topic) => [topic, standing(first, topic)]));
    await first.close();

    await price(9);
    const again = await connect();
    const answer = await again.subscribe('analytics.*', { since });
    expect(answer.topics).toEqual(
      expect.arrayContaining(topics.map((topic) => expect.objectContaining({ topic, recovered: true }))),
    );
    await until(again, 9);
    for (const topic of topics) {
      const offsets = again.publications(topic).map(({ offset }) => offset);
      expect(offsets).toEqual(offsets.map((_, i) => since[topic]!.offset + 1 + i));
    }
  });

  it('gives the newest price by source time, at once when its tick is stored, and no late one', async () => {
    const post = async (price: number, ts: number): Promise<void> => {
      const response = await fetch(`${server.baseUrl}/api/v1/ingest/ticks`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ ticks: [{ symbol: 'LATE', price, ts }] }),
      });
      expect(response.status).toBe(200);
    };
    const now = Date.now();
    const client = await connect();
    await client.subscribe('prices.LATE');
    await post(100, now);
    await client.received(1);
    // The window in which prices are gathered is over, and what was newest in it is forgotten.
    await sleep(150);
    await post(55, now - 60_000);
    await sleep(150);
    await post(101, now + 1);
    await client.received(2);
    expect(client.publications().map(({ data }) => (data as { price: number }).price)).toEqual([100, 101]);
    for (let price = 102; price < 122; price++) {
      await post(price, now + price);
      const late = await connect();
      const { snapshot } = await late.subscribe('prices.LATE');
      if ((snapshot as { price: number }).price === price) continue;
      // What Redis has not answered yet comes as a message.
      expect(broker).toBe('redis');
      await late.next((m) => (m.data as { price?: number } | undefined)?.price === price);
    }
  });

  it('gives every limit as it stands with limits.{portfolio}, whatever changed last', async () => {
    const send = (method: string, path: string, body: object) =>
      fetch(`${server.baseUrl}/api/v1${path}`, {
        method,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
    await send('PUT', '/portfolios/LIMITED', { name: 'L', currency: 'USD', positions: [] });
    const limit = { limit_type: 'var', threshold_value: 10, warning_threshold: 5, active: true };
    expect((await send('POST', '/risk/portfolio/LIMITED/limits', limit)).status).toBe(201);
    const limits = [{ limit_type: 'var', threshold_value: 10 }];
    for (const published of [false, true]) {
      const client = await connect();
      const answer = await client.subscribe('limits.LIMITED', { delta: true });
      expect(answer).toMatchObject({ snapshot: { portfolio_id: 'LIMITED', limits } });
      expect(answer).not.toHaveProperty('delta');
      if (!published) {
        server.app.get(Hub).publish('limits.LIMITED', { from: 'normal', to: 'breach' });
        await client.received(1);
      }
    }
  });

  it('ends the topics of a deleted portfolio with a message that says so', async () => {
    const events = server.app.get(EventBus);
    const client = await connect();
    for (const topic of ['analytics.ENDS', 'risk.ENDS']) await client.subscribe(topic);
    const now = Date.now();
    const hops = { sourceMs: now, ingestedMs: now, storedMs: now, computedMs: now, dueMs: now };
    const compute = (value: number) => {
      events.emit('summary.ready', { portfolioId: 'ENDS', data: { current_value: value }, hops });
      events.emit('risk.ready', { portfolioId: 'ENDS', data: { var: value } });
    };
    const portfolio = { id: 'ENDS', name: 'E', currency: 'USD', positions: new Map(), seq: 1 };
    compute(1);
    events.emit('portfolio.changed', { kind: 'deleted', portfolio } as never);
    // It was under way.
    compute(2);
    await client.received(4);
    const late = await connect();
    for (const topic of ['analytics.ENDS', 'risk.ENDS']) {
      const last = { portfolio_id: 'ENDS', reason: 'deleted' };
      expect(client.publications(topic)).toMatchObject([{ offset: 1 }, { offset: 2, data: last }]);
      expect(await late.subscribe(topic)).toMatchObject({ offset: 2, snapshot: last });
    }
    events.emit('portfolio.changed', { kind: 'put', portfolio } as never);
    compute(3);
    // Among them the summary of the portfolio that is there again.
    const last = await client.next((m) => m.topic === 'risk.ENDS' && m.offset === 3);
    expect(last).toMatchObject({ data: { var: 3 } });
  });

  it('turns events of the other stages into topics', async () => {
    const events = server.app.get(EventBus);
    const client = await connect();
    for (const topic of ['prices.AAPL', 'analytics.P1', 'risk.P1', 'limits.P1', 'alerts']) {
      await client.subscribe(topic);
    }
    const now = Date.now();
    const hops = { sourceMs: now, ingestedMs: now, storedMs: now, computedMs: now, dueMs: now };
    const tick = { symbol: 'AAPL', tsMs: now, price: 10, size: null, sourceId: null };
    events.emit('ticks.stored', {
      ticks: [
        { ...tick, seq: 1 },
        { ...tick, price: 11, seq: 2 },
      ],
      ingestedAtMs: now,
      storedAtMs: now,
    });
    events.emit('summary.ready', { portfolioId: 'P1', data: { mean: 5 }, hops });
    events.emit('risk.ready', { portfolioId: 'P1', data: { var: 2 } });
    events.emit('limit.transition', {
      portfolioId: 'P1',
      limitId: 'l',
      limitType: 'var',
      from: 'normal',
      to: 'breach',
      value: null,
      thresholdValue: 1,
      warningThreshold: 0.5,
      atMs: now,
    });
    events.emit('alert.changed', { id: 'a', name: 'A', state: 'firing', data: {} });
    const topics = ['prices.AAPL', 'analytics.P1', 'risk.P1', 'limits.P1', 'alerts'];
    const byTopic: Record<string, unknown> = {};
    for (const topic of topics) {
      // The server has alerts of its own.
      const isOurs = (data: unknown): boolean => topic !== 'alerts' || (data as { id: string }).id === 'a';
      const message = await client.next((m) => m.type === 'message' && m.topic === topic && isOurs(m.data));
      byTopic[topic] = message.data;
    }
    expect(byTopic).toMatchObject({
      'prices.AAPL': { symbol: 'AAPL', price: 11 },
      'analytics.P1': { mean: 5, hops: { ingested_ms: now } },
      'risk.P1': { var: 2 },
      'limits.P1': { to: 'breach', value: null },
      alerts: { id: 'a', state: 'firing' },
    });
  });
});
