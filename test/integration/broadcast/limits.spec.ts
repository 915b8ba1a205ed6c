import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Hub } from '../../../src/broadcast/hub.js';
import { fastWriter } from '../../../src/broadcast/wire/socket-writer.js';
import { WsServer } from '../../../src/broadcast/ws-server.js';
import type { SettingName } from '../../../src/config/schema.js';
import { startApp, type TestApp } from '../../harness/index.js';
import { WsClient } from './ws-client.js';

describe('limits of /ws/stream', () => {
  let server: TestApp;
  const clients: WsClient[] = [];
  const start = async (settings: Partial<Record<SettingName, string>> = {}) => {
    server = await startApp(settings);
    return server.app.get(Hub);
  };
  const open = async (protocols: string[] = [], options = {}) => {
    const client = await WsClient.open(`${server.wsUrl}/ws/stream`, protocols, options);
    clients.push(client);
    return client;
  };
  const status = (promise: Promise<unknown>) =>
    promise.then(
      () => 101,
      (error: { status?: number }) => error.status,
    );

  afterEach(async () => {
    for (const client of clients.splice(0)) client.socket.terminate();
    await server.stop();
  });

  it('writes through the libuv handle: the fast way is active on this Node', () => {
    expect(fastWriter?.name).toBe('handle');
    return start();
  });

  it('bounds what waits for a client that stops reading: `all` is closed with 3008, the others notice nothing', async () => {
    const hub = await start({ WS_MAX_QUEUED_BYTES: '200000', BROKER: 'memory' });
    const frozen = await open();
    await frozen.subscribe('custom.flow');
    const healthy = await open();
    await healthy.subscribe('custom.flow');
    const { connections } = server.app.get(WsServer);
    const slow = connections.values().next().value!;
    (frozen.socket as unknown as { _socket: Socket })._socket.pause();
    const pad = randomBytes(2_000).toString('hex');
    let most = 0;
    let sent = 0;
    for (; sent < 20_000 && slow.isOpen; sent++) {
      hub.publish('custom.flow', { pad });
      // Longer than the flush window: a busy machine would otherwise join more messages than the bound into one write.
      if (sent % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 11));
      most = Math.max(most, slow.queuedBytes);
    }
    expect(slow.isOpen).toBe(false);
    expect(most).toBeGreaterThan(50_000);
    expect(most).toBeLessThanOrEqual(200_000);
    await healthy.received(sent, 10_000);
    (frozen.socket as unknown as { _socket: Socket })._socket.resume();
    expect((await frozen.whenClosed()).code).toBe(3008);
    expect(frozen.publications().map((m) => m.offset)).toEqual(frozen.publications().map((_, i) => i + 1));
    expect(healthy.publications().at(-1)).toMatchObject({ offset: sent });
  }, 30_000);

  it('keeps the newest for a conflating client that stops reading, and never closes it', async () => {
    const hub = await start({ WS_MAX_QUEUED_BYTES: '200000', BROKER: 'memory' });
    const client = await open();
    await client.subscribe('custom.flow', { policy: 'conflate', every_ms: 10 });
    const raw = (client.socket as unknown as { _socket: Socket })._socket;
    raw.pause();
    const pad = randomBytes(50_000).toString('hex');
    const [connection] = server.app.get(WsServer).connections.values();
    let n = 0;
    for (; n < 400; n++) {
      hub.publish('custom.flow', { n, pad });
      if (n % 4 === 0) await new Promise((resolve) => setTimeout(resolve, 11));
    }
    expect(connection!.blocked).toBe(true);
    expect(connection!.queuedBytes).toBeLessThanOrEqual(200_000);
    raw.resume();
    const last = await client.next((m) => m.offset === 400, 10_000);
    expect(last).toMatchObject({ data: { n: 399 } });
    let before = 0;
    for (const { offset, skipped } of client.publications() as { offset: number; skipped?: object }[]) {
      expect(skipped).toEqual(offset === before + 1 ? undefined : { from: before + 1, to: offset - 1 });
      before = offset;
    }
    expect(client.closed).toBeNull();
  }, 30_000);

  it('ends a peer that is gone without a word, and keeps one that answers', async () => {
    await start({ WS_HEARTBEAT_MS: '200' });
    const alive = await open();
    const dead = await open();
    (dead.socket as unknown as { _socket: Socket })._socket.pause();
    const { connections } = server.app.get(WsServer);
    const until = Date.now() + 3_000;
    while (connections.size > 1 && Date.now() < until)
      await new Promise((resolve) => setTimeout(resolve, 20));
    expect(connections.size).toBe(1);
    await alive.request({ type: 'unsubscribe', id: 1, topic: 'custom.x' });
  });

  it('caps connections per process and per address, and refuses foreign pages and unknown paths', async () => {
    await start({ WS_MAX_CONNECTIONS: '3', WS_MAX_CONNECTIONS_PER_ADDRESS: '2' });
    expect(await status(open([], { origin: 'https://evil.example' }))).toBe(403);
    expect(await status(open([], { headers: { host: 'evil.example' } }))).toBe(403);
    expect(await status(WsClient.open(`${server.wsUrl}/ws/nowhere`))).toBe(404);
    await open();
    await open();
    expect(await status(open())).toBe(429);
    clients[0]!.socket.terminate();
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await status(open())).toBe(101);
  });

  it('refuses an upgrade as HTTP refuses a request: problem+json with the trace id', async () => {
    await start();
    const trace = '0af7651916cd43dd8448eb211c80319c';
    const traceparent = `00-${trace}-b7ad6b7169203331-01`;
    const refused = async (url: string, headers: Record<string, string>) => {
      const error: unknown = await WsClient.open(url, [], { headers }).catch((e: unknown) => e);
      const { status, headers: answered, body } = error as Record<string, Record<string, unknown>>;
      expect([answered?.['content-type'], body?.status]).toEqual(['application/problem+json', status]);
      expect(body).toMatchObject({
        type: 'about:blank',
        title: expect.any(String),
        detail: expect.any(String),
      });
      return [status, body?.code, body?.trace_id];
    };
    const url = `${server.wsUrl}/ws/stream`;
    expect(await refused(url, { origin: 'https://evil.example', traceparent })).toEqual([
      403,
      'ORIGIN_NOT_ALLOWED',
      trace,
    ]);
    expect(await refused(`${server.wsUrl}/ws/nowhere`, {})).toEqual([
      404,
      'NOT_FOUND',
      expect.stringMatching(/^[0-9a-f]{32}$/),
    ]);
  });

  it('lets go of a peer that was refused, also when it keeps its side open', async () => {
    await start();
    const { hostname, port } = new URL(server.baseUrl);
    const held = () =>
      new Promise<number>((resolve) =>
        server.app.getHttpServer().getConnections((_error, count) => resolve(count)),
      );
    const before = await held();
    const peers = Array.from({ length: 5 }, () => {
      const peer = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
      peer.write(
        `GET /ws/nowhere HTTP/1.1\r\nHost: ${hostname}:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
      );
      return peer;
    });
    try {
      const answers = await Promise.all(
        peers.map((peer) => new Promise<string>((resolve) => peer.once('data', (d) => resolve(String(d))))),
      );
      for (const answer of answers) expect(answer).toMatch(/^HTTP\/1.1 404 .*"code":"NOT_FOUND"/s);
      const deadline = Date.now() + 1_000;
      while ((await held()) > before && Date.now() < deadline) await new Promise((r) => setTimeout(r, 5));
      expect(await held()).toBe(before);
    } finally {
      for (const peer of peers) peer.destroy();
    }
  });

  it('caps connections per key where nobody has one, when that is asked for', async () => {
    await start({ WS_MAX_CONNECTIONS_PER_KEY: '2' });
    await open();
    await open();
    expect(await status(open())).toBe(429);
  });

  it('limits handshakes per second before anything else', async () => {
    await start({ WS_CONNECTS_PER_SECOND: '1' });
    const results = await Promise.all(Array.from({ length: 10 }, () => status(open())));
    expect(results.filter((code) => code === 101)).toHaveLength(4);
    expect(results.filter((code) => code === 503)).toHaveLength(6);
  });

  it('limits messages, sizes and subscriptions of one connection', async () => {
    await start({ WS_MAX_SUBSCRIPTIONS: '2', WS_MESSAGES_PER_SECOND: '5', WS_MAX_MESSAGE_BYTES: '2000' });
    const client = await open();
    for (const topic of ['custom.a', 'custom.b', 'custom.c']) await client.subscribe(topic);
    expect(client.messages.at(-1)).toMatchObject({ type: 'error', code: 'TOO_MANY_SUBSCRIPTIONS' });
    for (let i = 0; i < 30; i++) client.send({ type: 'unsubscribe', id: i, topic: 'custom.none' });
    // The refusal has the id of the message, so that its client can send it again.
    const limited = await client.next((m) => m.code === 'RATE_LIMITED');
    expect(limited).toMatchObject({ id: expect.any(Number), status: 429, retry_after_ms: 1_000 });
    const big = await open();
    big.send('x'.repeat(3_000));
    expect((await big.whenClosed()).code).toBe(1009);
    // Wrong messages are counted at both; pings are answered however many they are.
    for (const path of ['/ws/stream', '/ws/system/health']) {
      const flood = await WsClient.open(`${server.wsUrl}${path}`);
      clients.push(flood);
      for (let i = 0; i < 100; i++) flood.send({ type: 'rubbish', id: i });
      await flood.next((m) => m.code === 'RATE_LIMITED');
      expect((await flood.whenClosed()).code).toBe(4029);
    }
    const pinging = await WsClient.open(`${server.wsUrl}/ws/system/health`);
    clients.push(pinging);
    for (let i = 0; i < 100; i++) pinging.send({ type: 'ping', timestamp: i, more: [i] });
    await pinging.next((m) => m.type === 'pong' && m.timestamp === 99);
    expect(pinging.messages.every((m) => m.type === 'pong')).toBe(true);
  });

  it('limits the messages of one connection at /ws/ingest, which lives', async () => {
    await start({ WS_INGEST_MESSAGES_PER_SECOND: '10' });
    const client = await WsClient.open(`${server.wsUrl}/ws/ingest`);
    clients.push(client);
    for (let i = 0; i < 50; i++) client.send({ type: 'ping', id: i, timestamp: i });
    expect(await client.next((m) => m.code === 'RATE_LIMITED')).toMatchObject({
      type: 'error',
      id: expect.any(Number),
      status: 429,
      retry_after_ms: 1_000,
    });
    const answered = client.messages.filter((m) => m.type === 'pong').length;
    expect(answered).toBeGreaterThanOrEqual(40);
    expect(answered).toBeLessThan(50);
    // As soon as the rate allows it is served again; one that does not stop is closed.
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(await client.request({ type: 'ping', id: 'later', timestamp: 0 })).toMatchObject({ type: 'pong' });
    for (let i = 0; i < 200; i++) client.send('no JSON');
    expect((await client.whenClosed()).code).toBe(4029);
  });

  it('closes with the right code on broken frames', async () => {
    await start();
    const bare = async (bytes: Buffer): Promise<number> => {
      const { port } = new URL(server.baseUrl);
      const socket = connect(Number(port), '127.0.0.1');
      const key = randomBytes(16).toString('base64');
      socket.write(
        `GET /ws/stream HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
          `Sec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\n\r\n`,
      );
      // In the same packet as the handshake: nothing after the request may be lost.
      socket.write(bytes);
      const read = await new Promise<Buffer>((resolve) => {
        const chunks: Buffer[] = [];
        socket.on('data', (chunk: Buffer) => chunks.push(chunk));
        socket.on('end', () => resolve(Buffer.concat(chunks)));
      });
      socket.destroy();
      const frame = read.subarray(read.indexOf('\r\n\r\n') + 4);
      expect(frame[0]).toBe(0x88);
      return frame.readUInt16BE(2);
    };
    expect(await bare(Buffer.from([0x81, 0x00]))).toBe(1002);
    expect(await bare(Buffer.from([0x81, 0x81, 0, 0, 0, 0, 0xff]))).toBe(1007);
    expect(await bare(Buffer.from([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8]))).toBe(1000);
  });

  it('answers all pings of one read with one write', async () => {
    await start();
    const { port } = new URL(server.baseUrl);
    const socket = connect(Number(port), '127.0.0.1');
    socket.write(
      `GET /ws/system/health HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n',
    );
    await new Promise((resolve) => socket.once('data', resolve));
    const [connection] = server.app.get(WsServer).connections.values();
    const writes: number[] = [];
    const deliver = connection!.deliver.bind(connection);
    connection!.deliver = (bytes, messages) => {
      writes.push(bytes.length);
      deliver(bytes, messages);
    };
    const ping = Buffer.from('{"type":"ping","timestamp":1}');
    const frame = Buffer.concat([Buffer.from([0x81, 0x80 | ping.length, 0, 0, 0, 0]), ping]);
    socket.write(Buffer.concat(Array(100).fill(frame)));
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk;
    });
    while ((text.match(/"pong"/g) ?? []).length < 100) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(writes).toHaveLength(1);
    socket.destroy();
  });

  it('drains with 1012 spread over the window, each with a time to come back', async () => {
    await start({ SHUTDOWN_DRAIN_MS: '300' });
    const many = await Promise.all(Array.from({ length: 12 }, () => open()));
    const started = Date.now();
    const times: number[] = [];
    for (const client of many) client.socket.once('close', () => times.push(Date.now() - started));
    const stopping = server.lifecycle.shutdown();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await status(open())).toBe(503);
    await stopping;
    const closes = await Promise.all(many.map((client) => client.whenClosed()));
    for (const { code, reason } of closes) {
      expect(code).toBe(1012);
      expect(
        (JSON.parse(reason) as { reconnect_after_ms: number }).reconnect_after_ms,
      ).toBeGreaterThanOrEqual(0);
    }
    expect(Math.max(...times) - Math.min(...times)).toBeGreaterThan(150);
  });

  it('compresses above the threshold where the client asked for it, once for all', async () => {
    const hub = await start({ WS_COMPRESSION: 'on' });
    const packed = await open([], { perMessageDeflate: true });
    const plain = await open();
    expect(packed.socket.extensions).toContain('permessage-deflate');
    for (const client of [packed, plain]) await client.subscribe('custom.big');
    const data = { text: 'compress me '.repeat(500) };
    hub.publish('custom.big', data);
    hub.publish('custom.big', { small: true });
    for (const client of [packed, plain]) {
      const got = await client.received(2);
      expect(got.map((m) => m.data)).toEqual([data, { small: true }]);
    }
    const read = (client: WsClient) => (client.socket as unknown as { _socket: Socket })._socket.bytesRead;
    expect(read(packed)).toBeLessThan(read(plain) / 5);
    packed.send({ type: 'ping', timestamp: 1, text: 'and back '.repeat(500) });
    await packed.next((m) => m.type === 'pong');
    // A megabyte out of a kilobyte, again and again: read for a while, then no more.
    const pad = '0'.repeat(1_000_000);
    for (let i = 0; i < 60; i++) packed.send({ type: 'ping', timestamp: i, pad });
    expect((await packed.whenClosed()).code).toBe(4029);
    expect(packed.messages.filter((m) => m.type === 'pong').length).toBeGreaterThan(10);
  });

  describe('with keys', () => {
    const hash = (key: string) => `sha256:${createHash('sha256').update(key).digest('hex')}`;
    const folder = mkdtempSync(join(tmpdir(), 'tidewatch-keys-'));
    const path = join(folder, 'keys.json');
    const write = (keys: object[]) => {
      writeFileSync(`${path}.new`, JSON.stringify({ keys }));
      renameSync(`${path}.new`, path);
    };
    const desk = { id: 'desk', hash: hash('k-desk'), scopes: ['read'], portfolios: ['P1'] };
    const ops = { id: 'ops', hash: hash('k-ops'), scopes: ['admin'] };
    const startWithKeys = (settings = {}) => {
      write([desk, ops]);
      return start({ API_KEYS: path, ...settings });
    };

    afterEach(() => rmSync(path, { force: true }));

    it('lets nobody see a topic without a key, and each key its own portfolios', async () => {
      await startWithKeys();
      expect(await status(open(['bearer.wrong']))).toBe(401);
      const late = await open();
      expect(await late.subscribe('custom.a')).toMatchObject({ code: 'KEY_REQUIRED' });
      expect(await late.request({ type: 'auth', id: 1, token: 'nope' })).toMatchObject({
        code: 'INVALID_TOKEN',
      });
      expect(await late.request({ type: 'auth', id: 2, token: 'k-desk' })).toMatchObject({
        type: 'authenticated',
        key: 'desk',
      });
      const early = await open(['tidewatch', 'bearer.k-desk']);
      expect(early.socket.protocol).toBe('tidewatch');
      for (const client of [late, early]) {
        expect(await client.subscribe('analytics.P1')).toMatchObject({ type: 'subscribed' });
        expect(await client.subscribe('analytics.P2')).toMatchObject({ code: 'FORBIDDEN_TOPIC' });
        expect(await client.subscribe('analytics.*')).toMatchObject({ code: 'FORBIDDEN_TOPIC' });
        expect(await client.subscribe('prices.*')).toMatchObject({ type: 'subscribed' });
      }
      const admin = await open([], { headers: { authorization: 'Bearer k-ops' } });
      expect(await admin.subscribe('analytics.*')).toMatchObject({ type: 'subscribed' });
      // A narrower key in band takes away what it may not see.
      await admin.request({ type: 'auth', id: 3, token: 'k-desk' });
      await admin.next((m) => m.type === 'unsubscribed' && m.reason === 'FORBIDDEN_TOPIC');
    });

    it('takes the sockets of a revoked key within a second, and only those', async () => {
      await startWithKeys();
      const gone = await open(['bearer.k-desk']);
      const stays = await open(['bearer.k-ops']);
      await new Promise((resolve) => setTimeout(resolve, 20));
      const started = Date.now();
      write([ops]);
      expect((await gone.whenClosed()).code).toBe(4002);
      expect(Date.now() - started).toBeLessThan(1_000);
      await stays.subscribe('custom.a');
      expect(await status(open(['bearer.k-desk']))).toBe(401);
    });

    it('ends what an admin looks on at with the key', async () => {
      await startWithKeys();
      const headers = { authorization: 'Bearer k-ops' };
      const tap = await fetch(`${server.baseUrl}/api/v1/ops/tap?topic=custom.*`, { headers });
      write([desk]);
      const text = await tap.text();
      expect(text).toMatch(/^event: tapping\n/);
      expect(text).toMatch(/event: close\ndata: {"code":4002,/);
    });

    it('gives nothing to a subscription whose key is replaced while the broker is asked', async () => {
      await startWithKeys();
      const { broker } = server.app.get(Hub);
      const open = broker.open.bind(broker);
      let go = (): void => {};
      broker.open = async (topic) => {
        await new Promise<void>((resolve) => {
          go = resolve;
        });
        return open(topic);
      };
      const client = await WsClient.open(`${server.wsUrl}/ws/stream`, ['bearer.k-ops']);
      clients.push(client);
      client.send({ type: 'subscribe', id: 'slow', topic: 'analytics.P2' });
      await client.request({ type: 'auth', id: 'narrower', token: 'k-desk' });
      go();
      expect(await client.next((m) => m.id === 'slow')).toMatchObject({ code: 'FORBIDDEN_TOPIC' });
      expect(server.app.get(Hub).subscribers('analytics.P2')).toBe(0);
    });

    it('ends an expired key with the code that asks for a new one, and survives a broken file', async () => {
      await startWithKeys();
      const client = await open(['bearer.k-desk']);
      writeFileSync(path, '{ broken');
      await new Promise((resolve) => setTimeout(resolve, 400));
      await client.subscribe('custom.a');
      write([{ ...desk, expires_at: new Date(Date.now() + 500).toISOString() }, ops]);
      expect((await client.whenClosed()).code).toBe(4001);
    });

    it('caps connections per key', async () => {
      await startWithKeys({ WS_MAX_CONNECTIONS_PER_KEY: '2' });
      await open(['bearer.k-ops']);
      await open(['bearer.k-ops']);
      expect(await status(open(['bearer.k-ops']))).toBe(429);
      expect(await status(open(['bearer.k-desk']))).toBe(101);
    });
  });
});
