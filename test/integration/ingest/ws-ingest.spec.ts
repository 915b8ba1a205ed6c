import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Database } from '../../../src/store/database.js';
import { startApp, type TestApp } from '../../harness/index.js';
import { WsClient } from '../broadcast/ws-client.js';

let app: TestApp;
let client: WsClient;

beforeAll(async () => {
  app = await startApp();
  client = await WsClient.open(`${app.wsUrl}/ws/ingest`);
});
afterAll(async () => {
  client.socket.terminate();
  await app.stop();
});

const t0 = Date.UTC(2024, 4, 6, 14);
const ticks = (symbol: string, count: number) =>
  Array.from({ length: count }, (_, i) => ({ symbol, ts: t0 + i, price: 100, size: i }));

const count = async (symbol: string): Promise<number> =>
  (
    await app.app
      .get(Database)
      .reader.query<{ n: number }>('SELECT count(*)::int AS n FROM ticks WHERE symbol = $1', [symbol])
  ).rows[0]!.n;

describe('/ws/ingest', () => {
  it('acknowledges ticks when they are stored', async () => {
    const answer = await client.request({
      type: 'ticks',
      id: 'a',
      ticks: [...ticks('WA', 3), { symbol: 'WA' }],
    });
    expect(answer).toEqual({
      type: 'ack',
      id: 'a',
      accepted: 3,
      duplicates: 0,
      rejected: [{ index: 3, code: 'MISSING_FIELD', message: expect.any(String) }],
      rejected_total: 1,
    });
    expect(await count('WA')).toBe(3);
  });

  it('acknowledges metric points', async () => {
    await fetch(`${app.baseUrl}/api/v1/portfolios/W`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'W', currency: 'USD', positions: [] }),
    });
    const point = { portfolio_id: 'W', metric_type: 'm', value: 1, timestamp: t0 };
    expect(await client.request({ type: 'metrics', id: 'b', points: [point] })).toMatchObject({
      type: 'ack',
      accepted: 1,
    });
  });

  it('stores a repeated message with a key once', async () => {
    const message = { type: 'ticks', ticks: ticks('WK', 5), key: 'ws-key' };
    expect(await client.request({ ...message, id: 'k1' })).toMatchObject({ type: 'ack', accepted: 5 });
    expect(await client.request({ ...message, id: 'k2' })).toMatchObject({
      type: 'ack',
      accepted: 5,
      replayed: true,
    });
    expect(await count('WK')).toBe(5);
  });

  it('stores everything of a client that sends faster than the database commits', async () => {
    const messages = 200;
    for (let i = 0; i < messages; i++) client.send({ type: 'ticks', id: `f${i}`, ticks: ticks('WF', 50) });
    const answers = () => client.messages.filter((m) => String(m.id).startsWith('f'));
    const deadline = Date.now() + 10_000;
    while (answers().length < messages && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const acked = answers().filter((m) => m.type === 'ack').length;
    const refused = answers().filter((m) => m.code === 'TOO_MANY_IN_FLIGHT').length;
    expect(acked + refused).toBe(messages);
    expect(await count('WF')).toBe(acked * 50);
  });

  it('answers pings and survives nonsense', async () => {
    client.send('nonsense');
    expect(await client.next((m) => m.code === 'MALFORMED_JSON')).toMatchObject({ type: 'error' });
    client.send({ type: 'ping', timestamp: 5 });
    expect(await client.next((m) => m.type === 'pong')).toMatchObject({ timestamp: 5 });
  });
});
