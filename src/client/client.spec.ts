import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { type ClientOptions, type ClientState, TidewatchClient, type WebSocketLike } from './client.js';
import type { Gap } from './subscription.js';

/** The far end, driven by the test. */
class FakeSocket implements WebSocketLike {
  static made: FakeSocket[] = [];
  static get last(): FakeSocket {
    const last = FakeSocket.made.at(-1);
    if (!last) throw new Error('no socket was made');
    return last;
  }
  readyState = 0;
  onopen: ((event: unknown) => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;
  onerror: ((event: unknown) => void) | null = null;
  sent: Record<string, unknown>[] = [];

  constructor(
    readonly url: string,
    readonly protocols?: string[],
  ) {
    FakeSocket.made.push(this);
  }
  send(data: string): void {
    this.sent.push(JSON.parse(data));
  }
  close(code = 1005, reason = ''): void {
    this.lose(code, reason);
  }
  accept(): void {
    this.readyState = 1;
    this.onopen?.({});
  }
  lose(code = 1006, reason = ''): void {
    this.readyState = 3;
    this.onclose?.({ code, reason });
  }
  say(message: Record<string, unknown>): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
}

const flush = () => jest.advanceTimersByTimeAsync(0);

describe('TidewatchClient', () => {
  let states: [ClientState, number | undefined][];
  let client: TidewatchClient;

  const start = async (options: Partial<ClientOptions> = {}) => {
    client = new TidewatchClient({
      url: 'http://127.0.0.1:8001',
      WebSocket: FakeSocket,
      random: () => 1,
      heartbeatMs: 0,
      onState: (state, { retryInMs }) => states.push([state, retryInMs]),
      ...options,
    });
    await flush();
  };

  beforeEach(() => {
    jest.useFakeTimers();
    FakeSocket.made = [];
    states = [];
  });
  afterEach(() => {
    client.close();
    jest.useRealTimers();
  });

  it('finds the stream from the address of the server and sends the key in the protocol list', async () => {
    await start({ token: () => Promise.resolve('k1') });
    expect(FakeSocket.last.url).toBe('ws://127.0.0.1:8001/ws/stream');
    expect(FakeSocket.last.protocols).toEqual(['tidewatch', 'bearer.k1']);
  });

  it('resumes each topic from its position after a lost connection, without repeating a message', async () => {
    const got: number[] = [];
    await start();
    client.subscribe('custom.a', { onMessage: (_, { offset }) => got.push(offset) });
    FakeSocket.last.accept();
    const { id } = FakeSocket.last.sent[0] as { id: number };
    FakeSocket.last.say({ type: 'subscribed', id, topic: 'custom.a', epoch: 'e', offset: 7 });
    FakeSocket.last.say({ type: 'message', topic: 'custom.a', offset: 8, ts: 1, data: 1 });
    FakeSocket.last.lose();
    expect(states.at(-1)).toEqual(['waiting', 250]);
    await jest.advanceTimersByTimeAsync(250);
    FakeSocket.last.accept();
    expect(FakeSocket.last.sent[0]).toMatchObject({ topic: 'custom.a', since: { epoch: 'e', offset: 8 } });
    FakeSocket.last.say({
      type: 'subscribed',
      id,
      topic: 'custom.a',
      epoch: 'e',
      offset: 10,
      recovered: true,
    });
    for (const offset of [8, 9, 10]) {
      FakeSocket.last.say({ type: 'message', topic: 'custom.a', offset, ts: 1, data: 1 });
    }
    expect(got).toEqual([8, 9, 10]);
  });

  it('names what is gone when the server could not recover, and when offsets have a hole', async () => {
    const gaps: Gap[] = [];
    await start();
    client.subscribe('custom.a', { onMessage: () => {}, onGap: (gap) => gaps.push(gap) });
    FakeSocket.last.accept();
    FakeSocket.last.say({ type: 'subscribed', id: 1, topic: 'custom.a', epoch: 'e', offset: 1 });
    FakeSocket.last.say({ type: 'message', topic: 'custom.a', offset: 4, ts: 1, data: 1 });
    FakeSocket.last.lose();
    await jest.advanceTimersByTimeAsync(250);
    FakeSocket.last.accept();
    FakeSocket.last.say({
      type: 'subscribed',
      id: 1,
      topic: 'custom.a',
      epoch: 'f',
      offset: 3,
      recovered: false,
      reason: 'epoch_changed',
    });
    expect(gaps).toEqual([
      { topic: 'custom.a', reason: 'hole', from: 2, to: 3 },
      { topic: 'custom.a', reason: 'epoch_changed', from: null, to: 3 },
    ]);
  });

  it('does not call what its own policy skipped a gap', async () => {
    const gaps: Gap[] = [];
    const skipped: unknown[] = [];
    await start();
    client.subscribe('custom.a', {
      policy: 'conflate',
      everyMs: 100,
      onMessage: (_, delivery) => skipped.push(delivery.skipped),
      onGap: (gap) => gaps.push(gap),
    });
    FakeSocket.last.accept();
    expect(FakeSocket.last.sent[0]).toMatchObject({ policy: 'conflate', every_ms: 100 });
    FakeSocket.last.say({ type: 'subscribed', id: 1, topic: 'custom.a', epoch: 'e', offset: 1 });
    FakeSocket.last.say({
      type: 'message',
      topic: 'custom.a',
      offset: 5,
      ts: 1,
      data: 1,
      skipped: { from: 2, to: 4 },
    });
    expect(skipped).toEqual([{ from: 2, to: 4 }]);
    expect(gaps).toEqual([]);
  });

  it('applies merge patches to the data they are based on', async () => {
    const got: unknown[] = [];
    await start();
    client.subscribe('custom.a', { delta: true, onMessage: (data) => got.push(data) });
    FakeSocket.last.accept();
    FakeSocket.last.say({ type: 'subscribed', id: 1, topic: 'custom.a', epoch: 'e', offset: 0 });
    FakeSocket.last.say({ type: 'message', topic: 'custom.a', offset: 1, ts: 1, data: { a: 1, b: 2 } });
    FakeSocket.last.say({ type: 'message', topic: 'custom.a', offset: 2, base: 1, ts: 1, patch: { b: 3 } });
    expect(got).toEqual([
      { a: 1, b: 2 },
      { a: 1, b: 3 },
    ]);
  });

  it('applies patches that one of two overlapping subscriptions asked for, for both', async () => {
    await start();
    const got: [string, unknown][] = [];
    const gaps: Gap[] = [];
    const onGap = (gap: Gap) => gaps.push(gap);
    client.subscribe('custom.*', { onMessage: (data) => got.push(['family', data]), onGap });
    client.subscribe('custom.a', { delta: true, onMessage: (data) => got.push(['topic', data]), onGap });
    const { last } = FakeSocket;
    last.accept();
    last.say({ type: 'subscribed', id: 1, topic: 'custom.*', topics: [] });
    last.say({
      type: 'subscribed',
      id: 2,
      topic: 'custom.a',
      epoch: 'e',
      offset: 1,
      snapshot: { a: 1, b: 1 },
    });
    last.say({ type: 'message', topic: 'custom.a', offset: 2, base: 1, ts: 1, patch: { b: 2 } });
    expect(got).toEqual([
      ['family', { a: 1, b: 2 }],
      ['topic', { a: 1, b: 2 }],
    ]);
    expect(gaps).toEqual([]);
    last.say({ type: 'message', topic: 'custom.a', offset: 9, base: 8, ts: 1, patch: { b: 3 } });
    expect(gaps.map((gap) => gap.reason)).toContain('patch_without_base');
  });

  it('comes back when the server says so after 1012, and not at all after a final code', async () => {
    await start();
    FakeSocket.last.accept();
    FakeSocket.last.lose(1012, '{"reconnect_after_ms":1234}');
    expect(states.at(-1)).toEqual(['waiting', 1234]);
    await jest.advanceTimersByTimeAsync(1234);
    expect(FakeSocket.made).toHaveLength(2);
    FakeSocket.last.accept();
    FakeSocket.last.lose(4002, 'token revoked');
    expect(client.state).toBe('closed');
    await jest.advanceTimersByTimeAsync(60_000);
    expect(FakeSocket.made).toHaveLength(2);
  });

  it('reconnects when a peer is silent for two heartbeats', async () => {
    await start({ heartbeatMs: 1_000 });
    FakeSocket.last.accept();
    await jest.advanceTimersByTimeAsync(1_000);
    expect(FakeSocket.last.sent).toMatchObject([{ type: 'ping' }]);
    await jest.advanceTimersByTimeAsync(1_000);
    expect(states.at(-1)?.[0]).toBe('waiting');
  });

  it('measures a round trip and rejects it when the connection is lost', async () => {
    await start();
    await expect(client.ping()).rejects.toThrow('not connected');
    FakeSocket.last.accept();
    const first = client.ping();
    FakeSocket.last.say({ type: 'pong', timestamp: 1, server_time: 2 });
    expect(await first).toBeGreaterThanOrEqual(0);
    const second = client.ping();
    FakeSocket.last.lose();
    await expect(second).rejects.toThrow('connection lost');
  });

  it('gives a refused subscription its own error and does not try it again', async () => {
    const errors: string[] = [];
    await start();
    client.subscribe('nope', { onMessage: () => {}, onError: (code) => errors.push(code) });
    FakeSocket.last.accept();
    FakeSocket.last.say({ type: 'error', id: 1, code: 'UNKNOWN_TOPIC', message: 'no' });
    expect(errors).toEqual(['UNKNOWN_TOPIC']);
    FakeSocket.last.lose();
    await jest.advanceTimersByTimeAsync(250);
    FakeSocket.last.accept();
    expect(FakeSocket.last.sent).toEqual([]);
  });

  it('resumes a family topic by topic and names what could not be recovered', async () => {
    const gaps: Gap[] = [];
    const got: [string, number][] = [];
    const snapshots: [string, unknown][] = [];
    await start();
    client.subscribe('custom.*', {
      onMessage: (_, { topic, offset }) => got.push([topic, offset]),
      onSnapshot: (data, topic) => snapshots.push([topic, data]),
      onGap: (gap) => gaps.push(gap),
    });
    FakeSocket.last.accept();
    FakeSocket.last.say({
      type: 'subscribed',
      id: 1,
      topic: 'custom.*',
      recovered: false,
      topics: [{ topic: 'custom.a', epoch: 'e', offset: 3, recovered: false, reason: 'no_position' }],
      snapshot: { 'custom.a': { x: 1 } },
    });
    FakeSocket.last.say({ type: 'message', topic: 'custom.a', offset: 4, ts: 1, data: 1 });
    FakeSocket.last.say({ type: 'message', topic: 'custom.b', offset: 1, ts: 1, data: 1 });
    FakeSocket.last.lose();
    await jest.advanceTimersByTimeAsync(250);
    FakeSocket.last.accept();
    expect(FakeSocket.last.sent[0]).toMatchObject({ since: { 'custom.a': { epoch: 'e', offset: 4 } } });
    FakeSocket.last.say({
      type: 'subscribed',
      id: 1,
      topic: 'custom.*',
      recovered: false,
      topics: [
        { topic: 'custom.a', epoch: 'f', offset: 9, recovered: false, reason: 'epoch_changed' },
        // It began while this side was away.
        { topic: 'custom.c', epoch: 'e', offset: 2, recovered: false, reason: 'no_position' },
        { topic: 'custom.d', epoch: 'e', offset: 0, recovered: false, reason: 'no_position' },
      ],
      snapshot: { 'custom.a': { x: 2 }, 'custom.c': { x: 3 } },
    });
    expect(snapshots).toEqual([
      ['custom.a', { x: 1 }],
      ['custom.a', { x: 2 }],
      ['custom.c', { x: 3 }],
    ]);
    expect(got).toEqual([
      ['custom.a', 4],
      ['custom.b', 1],
    ]);
    expect(gaps).toEqual([
      { topic: 'custom.a', reason: 'epoch_changed', from: null, to: 9 },
      { topic: 'custom.c', reason: 'no_position', from: 1, to: 2 },
    ]);
  });

  it('goes on under a new epoch when the server says so', async () => {
    const gaps: Gap[] = [];
    const got: number[] = [];
    await start();
    client.subscribe('custom.a', {
      onMessage: (_, { offset }) => got.push(offset),
      onGap: (gap) => gaps.push(gap),
    });
    FakeSocket.last.accept();
    FakeSocket.last.say({ type: 'subscribed', id: 1, topic: 'custom.a', epoch: 'e', offset: 40 });
    FakeSocket.last.say({
      type: 'position',
      topic: 'custom.a',
      epoch: 'f',
      offset: 2,
      reason: 'broker_lost',
      lost: 5,
    });
    FakeSocket.last.say({ type: 'message', topic: 'custom.a', offset: 3, ts: 1, data: 1 });
    expect(got).toEqual([3]);
    expect(gaps).toMatchObject([{ topic: 'custom.a', reason: 'broker_lost' }]);
  });

  it('gives up on a server that takes the connection and never answers', async () => {
    await start();
    const mute = FakeSocket.last;
    await jest.advanceTimersByTimeAsync(10_000);
    expect(states.at(-1)?.[0]).toBe('waiting');
    await jest.advanceTimersByTimeAsync(250);
    expect(FakeSocket.made).toHaveLength(2);
    FakeSocket.last.accept();
    // The late answer of the one before changes nothing, nor does the time that it had.
    mute.accept();
    await jest.advanceTimersByTimeAsync(20_000);
    expect([client.state, FakeSocket.made.length]).toEqual(['open', 2]);
  });

  it('says at once that there is no WebSocket', () => {
    const { WebSocket } = globalThis;
    Reflect.deleteProperty(globalThis, 'WebSocket');
    try {
      expect(() => new TidewatchClient({ url: 'http://127.0.0.1:8001' })).toThrow('no WebSocket');
    } finally {
      globalThis.WebSocket = WebSocket;
    }
  });

  it('asks again for what the server had no time for', async () => {
    const errors: string[] = [];
    await start();
    client.subscribe('custom.a', { onMessage: () => {}, onError: (code) => errors.push(code) });
    const { last } = FakeSocket;
    last.accept();
    const limited = { type: 'error', id: 1, code: 'RATE_LIMITED', message: 'slow', retry_after_ms: 1_000 };
    last.say(limited);
    await jest.advanceTimersByTimeAsync(2_000);
    expect(last.sent.map(({ type, topic }) => [type, topic])).toEqual([
      ['subscribe', 'custom.a'],
      ['subscribe', 'custom.a'],
    ]);
    // Not on another connection, which has asked for everything anyway.
    last.say(limited);
    last.lose();
    await jest.advanceTimersByTimeAsync(250);
    FakeSocket.last.accept();
    await jest.advanceTimersByTimeAsync(5_000);
    expect(FakeSocket.last.sent).toHaveLength(1);
    expect(errors).toEqual([]);
  });

  it('refreshes its key, keeps it, and tells the subscriptions that it may not have', async () => {
    const errors: string[] = [];
    await start({ token: 'old' });
    await expect(client.refreshToken('early')).rejects.toThrow('not connected');
    client.subscribe('analytics.P2', { onMessage: () => {}, onError: (code) => errors.push(code) });
    FakeSocket.last.accept();
    const wrong = client.refreshToken('wrong');
    const wrongId = FakeSocket.last.sent.at(-1)?.id;
    FakeSocket.last.say({ type: 'error', id: wrongId, code: 'INVALID_TOKEN', message: 'no' });
    await expect(wrong).rejects.toThrow('INVALID_TOKEN');
    const fresh = client.refreshToken('fresh');
    FakeSocket.last.say({ type: 'authenticated', id: FakeSocket.last.sent.at(-1)?.id });
    await fresh;
    FakeSocket.last.say({ type: 'unsubscribed', topic: 'analytics.P2', reason: 'FORBIDDEN_TOPIC' });
    expect(errors).toEqual(['FORBIDDEN_TOPIC']);
    const lost = client.refreshToken('lost');
    FakeSocket.last.lose();
    await expect(lost).rejects.toThrow('connection lost');
    await jest.advanceTimersByTimeAsync(250);
    expect(FakeSocket.last.protocols).toEqual(['tidewatch', 'bearer.fresh']);
    FakeSocket.last.accept();
    expect(FakeSocket.last.sent).toEqual([]);
  });

  it('asks to resume no more topics than a message may name, and knows the others are gone', async () => {
    const gaps: Gap[] = [];
    await start();
    client.subscribe('custom.*', { onMessage: () => {}, onGap: (gap) => gaps.push(gap) });
    const topics = Array.from({ length: 10_000 }, (_, i) => ({
      topic: `custom.${'x'.repeat(60)}.${i}`,
      epoch: 'an-epoch-of-usual-length',
      offset: 1,
      recovered: false,
      reason: 'no_position',
    }));
    const answer = { type: 'subscribed', id: 1, topic: 'custom.*', topics, topics_left_out: 5 };
    FakeSocket.last.accept();
    FakeSocket.last.say(answer);
    // There was nothing to miss yet.
    expect(gaps).toEqual([]);
    FakeSocket.last.lose();
    await jest.advanceTimersByTimeAsync(250);
    FakeSocket.last.accept();
    const [request] = FakeSocket.last.sent;
    expect(JSON.stringify(request).length).toBeLessThan(550_000);
    const asked = Object.keys(request?.since as object);
    expect(asked.length).toBeGreaterThan(3_000);
    const resumed = new Set(asked);
    FakeSocket.last.say({
      ...answer,
      topics: topics.map((state, i) => ({
        ...state,
        offset: i >= topics.length - 10 ? 2 : 1,
        recovered: resumed.has(state.topic),
      })),
    });
    // Of those that it did not ask for, the ones on which something was published; and those that the answer leaves out.
    expect(gaps).toHaveLength(11);
    expect(gaps[0]).toMatchObject({ reason: 'no_position', from: 2, to: 2 });
    expect(gaps.at(-1)).toEqual({ topic: 'custom.*', reason: 'too_many_topics', from: null, to: null });
  });

  it('refuses a second subscription to the same topic', async () => {
    await start();
    client.subscribe('custom.a', { onMessage: () => {} });
    expect(() => client.subscribe('custom.a', { onMessage: () => {} })).toThrow('already subscribed');
  });
});
