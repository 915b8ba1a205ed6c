import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { Config } from '../../../src/config/config.js';
import { Database } from '../../../src/store/database.js';
import { startApp, type TestApp } from '../../harness/index.js';

let app: TestApp;

beforeAll(async () => {
  app = await startApp({ INGEST_BUFFER_MAX_ROWS: '1000', INGEST_MAX_BODY_BYTES: '3000000' });
});
afterAll(() => app.stop());

const t0 = Date.UTC(2024, 4, 6, 14);
const lines = (symbol: string, count: number): string =>
  Array.from(
    { length: count },
    (_, i) => `{"symbol":"${symbol}","ts":${t0 + i},"price":1,"size":${i}}\n`,
  ).join('');

const post = (body: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${app.baseUrl}/api/v1/ingest/ticks`, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/x-ndjson', ...headers },
  });

async function count(symbol: string): Promise<number> {
  const { rows } = await app.app
    .get(Database)
    .reader.query<{ n: number }>('SELECT count(*)::int AS n FROM ticks WHERE symbol = $1', [symbol]);
  return rows[0]!.n;
}

/** Runs `work` while nobody can write ticks. */
async function whileLocked(work: () => Promise<void>): Promise<void> {
  const client = new pg.Client({ connectionString: app.app.get(Config).get('DATABASE_URL') });
  await client.connect();
  try {
    await client.query('BEGIN; LOCK TABLE ticks IN EXCLUSIVE MODE');
    await work();
    await client.query('ROLLBACK');
  } finally {
    await client.end();
  }
}

describe('a full buffer', () => {
  it('is 503 with Retry-After for new requests, and back-pressure for those under way', async () => {
    await post(lines('WARM', 1));
    let large: Promise<Response> | undefined;
    await whileLocked(async () => {
      large = post(lines('LARGE', 40_000));
      await sleep(300);
      const refused = await post(lines('REFUSED', 10));
      expect(refused.status).toBe(503);
      expect(refused.headers.get('retry-after')).toBe('1');
      expect(await refused.json()).toMatchObject({ code: 'BUFFER_FULL' });
    });
    const answer = await large!;
    expect([answer.status, await answer.json()]).toEqual([
      200,
      expect.objectContaining({ accepted: 40_000 }),
    ]);
    expect(await count('LARGE')).toBe(40_000);
    expect(await count('REFUSED')).toBe(0);
    expect((await post(lines('AFTER', 10))).status).toBe(200);
  });
});

describe('a body above the limit', () => {
  it('is 413 before anything is stored when it says its length', async () => {
    const answer = await post(lines('LONG', 80_000));
    expect([answer.status, await answer.json()]).toEqual([
      413,
      expect.objectContaining({ code: 'BODY_TOO_LARGE' }),
    ]);
    expect(await count('LONG')).toBe(0);
  });

  it('is 413 when it grows above it, and says what was stored', async () => {
    async function* body() {
      for (let i = 0; i < 100; i++) yield new TextEncoder().encode(lines('GROWS', 1_000));
    }
    const answer = await fetch(`${app.baseUrl}/api/v1/ingest/ticks`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body: ReadableStream.from(body()),
      duplex: 'half',
    } as RequestInit);
    expect(answer.status).toBe(413);
    const { detail, accepted } = (await answer.json()) as { detail: string; accepted: number };
    expect(accepted).toBe(await count('GROWS'));
    expect(detail).toContain(`${accepted} rows of this request had been stored before`);
  });
});
