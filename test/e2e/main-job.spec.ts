import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { WebSocket } from 'ws';
import { startApp, type TestApp } from '../harness/index.js';

/** The whole way of a tick, over the public interfaces only: ingest → store → analytics → risk → limits → WebSocket. */
describe('the main job', () => {
  let app: TestApp;
  const id = 'MAIN_JOB';

  const call = async (method: string, path: string, body?: unknown) => {
    const response = await fetch(`${app.baseUrl}${path}`, {
      method,
      headers: body === undefined ? {} : { 'content-type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    return { status: response.status, body: text === '' ? null : JSON.parse(text) };
  };

  beforeAll(async () => {
    app = await startApp();
  });
  afterAll(async () => {
    await app?.stop();
  });

  it('carries ticks from the door to a subscriber, and every number on the way agrees', async () => {
    const created = await call('PUT', `/api/v1/portfolios/${id}`, {
      name: 'Main job',
      currency: 'USD',
      positions: [
        { symbol: 'MJA', quantity: 10 },
        { symbol: 'MJB', quantity: -5 },
      ],
    });
    expect([200, 201]).toContain(created.status);

    // Before any price the value is unknown, and says so.
    const before = await call('GET', `/api/v1/analytics/portfolio/${id}/summary`);
    expect(before.status).toBe(200);
    expect(before.body.current_value).toBeNull();

    const socket = new WebSocket(`${app.wsUrl}/ws/stream`);
    const received: Record<string, unknown>[] = [];
    socket.on('message', (data) => received.push(JSON.parse(String(data))));
    await new Promise((resolve) => socket.once('open', resolve));
    socket.send(JSON.stringify({ type: 'subscribe', id: 1, topic: `analytics.${id}`, policy: 'all' }));

    const start = Date.now() - 60_000;
    const ticks = Array.from({ length: 400 }, (_, i) => ({
      symbol: i % 2 === 0 ? 'MJA' : 'MJB',
      ts: start + i * 100,
      price: i % 2 === 0 ? 100 + Math.sin(i / 9) : 40 + Math.cos(i / 7),
      size: 1 + (i % 5),
    }));
    const ingested = await call('POST', '/api/v1/ingest/ticks', { ticks });
    expect(ingested.status).toBe(200);
    expect(ingested.body).toMatchObject({ accepted: 400, duplicates: 0, rejected: [] });

    const lastA = ticks.findLast((t) => t.symbol === 'MJA')?.price ?? Number.NaN;
    const lastB = ticks.findLast((t) => t.symbol === 'MJB')?.price ?? Number.NaN;
    const value = 10 * lastA - 5 * lastB;

    const summary = await call('GET', `/api/v1/analytics/portfolio/${id}/summary`);
    const sprint3 = await call('GET', `/api/v1/sprint3/analytics/portfolio/${id}/summary`);
    expect(summary.body.current_value).toBeCloseTo(value, 9);
    expect(sprint3.body.current_value).toBe(summary.body.current_value);
    expect(summary.body.window.size).toBeGreaterThan(300);

    const stored = await call('GET', `/api/v1/ticks?symbol=MJA&from=${start}&to=${Date.now()}`);
    expect(stored.status).toBe(200);

    const deadline = Date.now() + 3_000;
    const last = () =>
      received.filter((m) => m.type === 'message').at(-1) as
        | { data?: { current_value?: number } }
        | undefined;
    while (Date.now() < deadline && last()?.data?.current_value !== summary.body.current_value) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    socket.close();
    expect(last()?.data?.current_value).toBe(summary.body.current_value);
    const offsets = received.filter((m) => m.type === 'message').map((m) => m.offset as number);
    expect(offsets).toEqual(offsets.map((_, i) => (offsets[0] ?? 0) + i));
  });
});
