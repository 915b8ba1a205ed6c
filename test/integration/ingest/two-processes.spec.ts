import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Database } from '../../../src/store/database.js';
import { type CuttableProxy, cuttableProxy } from '../../harness/cuttable-proxy.js';
import { postgres, startApp, type TestApp } from '../../harness/index.js';
import { until } from '../../harness/until.js';

const t0 = Date.UTC(2024, 4, 6, 14);
const lines = (symbol: string, count: number): string =>
  Array.from(
    { length: count },
    (_, i) => `{"symbol":"${symbol}","ts":${t0 + i},"price":1,"size":${i}}\n`,
  ).join('');

describe('one key at two processes on one database', () => {
  let proxy: CuttableProxy;
  /** Its way to the database can be cut. */
  let first: TestApp;
  let second: TestApp;

  beforeAll(async () => {
    const url = new URL(await postgres().freshDatabase());
    proxy = await cuttableProxy(Number(url.port));
    const cuttable = new URL(url);
    cuttable.hostname = '127.0.0.1';
    cuttable.port = String(proxy.port);
    first = await startApp({ DATABASE_URL: cuttable.href, REDIS_URL: '' });
    second = await startApp({ DATABASE_URL: url.href, REDIS_URL: '' });
  }, 60_000);
  afterAll(async () => {
    proxy.away(false);
    await Promise.all([first.stop(), second.stop()]);
    await proxy.stop();
  });

  const headers = (key: string) => ({ 'content-type': 'application/x-ndjson', 'idempotency-key': key });
  const post = async (app: TestApp, key: string, body: string) => {
    const response = await fetch(`${app.baseUrl}/api/v1/ingest/ticks`, {
      method: 'POST',
      body,
      headers: headers(key),
    });
    const replayed = response.headers.get('idempotency-replayed') === 'true';
    return { status: response.status, replayed, body: (await response.json()) as Record<string, unknown> };
  };
  /** An upload to the first process that has begun and not ended. */
  const begin = async (key: string, body: string) => {
    let answered: (status: number) => void = () => undefined;
    const status = new Promise<number>((resolve) => {
      answered = resolve;
    });
    const request = httpRequest(
      `${first.baseUrl}/api/v1/ingest/ticks`,
      { method: 'POST', headers: headers(key) },
      (response) => {
        response.resume();
        answered(response.statusCode ?? 0);
      },
    );
    request.on('error', () => answered(0));
    request.write(body);
    const claimed = 'SELECT FROM idempotency_keys WHERE key = $1';
    const { reader } = second.app.get(Database);
    await until(async () => ((await reader.query(claimed, [key])).rowCount === 1 ? true : undefined));
    return { request, status };
  };
  const sizes = async (symbol: string): Promise<number[]> => {
    const { rows } = await second.app
      .get(Database)
      .reader.query<{ size: number }>('SELECT size FROM ticks WHERE symbol = $1 ORDER BY seq', [symbol]);
    return rows.map(({ size }) => size);
  };
  const upTo = (count: number) => Array.from({ length: count }, (_, i) => i);

  it('is answered by the second as soon as the first has its answer', async () => {
    const { request, status } = await begin('pending', lines('P', 1));
    let decidedAt = Number.POSITIVE_INFINITY;
    setTimeout(() => request.end(), 500);
    void status.then(() => {
      decidedAt = performance.now();
    });
    const repeated = await post(second, 'pending', lines('P', 1));
    expect(repeated).toMatchObject({ status: 200, replayed: true, body: { accepted: 1 } });
    expect(performance.now() - decidedAt).toBeLessThan(5_000);
    expect(await status).toBe(200);
    expect(await sizes('P')).toEqual([0]);
  });

  it('is taken over at once when the first fails', async () => {
    const { request, status } = await begin('failed', lines('F', 1));
    setTimeout(() => request.destroy(), 300);
    const began = performance.now();
    expect(await post(second, 'failed', lines('F', 2))).toMatchObject({ status: 200, body: { accepted: 2 } });
    expect(performance.now() - began).toBeLessThan(8_000);
    expect(await status).toBe(0);
    expect(await sizes('F')).toEqual([0, 1]);
  });

  it('is taken over at once when the first loses the database, and goes on where that one ended', async () => {
    const body = lines('L', 30_000);
    const { request, status } = await begin('lost', body.slice(0, 900_000));
    const stored = await until(async () => {
      const have = await sizes('L');
      return have.length > 0 ? have.length : undefined;
    });
    expect(stored).toBeLessThan(30_000);
    proxy.away(true);
    const began = performance.now();
    const repeated = await post(second, 'lost', body);
    expect(performance.now() - began).toBeLessThan(8_000);
    expect(repeated).toMatchObject({ status: 200, replayed: false, body: { accepted: 30_000 } });
    proxy.away(false);
    request.end(body.slice(900_000));
    // It seemed dead and was not: what it has left to store is refused.
    expect([409, 503]).toContain(await status);
    expect(await sizes('L')).toEqual(upTo(30_000));
  });
});
