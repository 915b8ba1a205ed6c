import { request as httpRequest } from 'node:http';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Database } from '../../../src/store/database.js';
import { startApp, type TestApp } from '../../harness/index.js';

let app: TestApp;
let database: Database;

beforeAll(async () => {
  app = await startApp();
  database = app.app.get(Database);
  for (const id of ['M1', 'M2', 'IS']) await putPortfolio(id);
});
afterAll(() => app.stop());

async function putPortfolio(id: string): Promise<void> {
  await fetch(`${app.baseUrl}/api/v1/portfolios/${id}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: id, currency: 'USD', positions: [] }),
  });
}

interface Answer {
  status: number;
  headers: Headers;
  body: Record<string, unknown>;
}

async function post(
  path: string,
  body: string | Buffer,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(`${app.baseUrl}/api/v1/ingest/${path}`, {
    method: 'POST',
    body: typeof body === 'string' ? body : new Uint8Array(body),
    headers: { 'content-type': 'application/x-ndjson', ...headers },
  });
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as Answer['body'],
  };
}

const t0 = Date.UTC(2024, 4, 6, 14);
const line = (symbol: string, i: number, more = ''): string =>
  `{"symbol":"${symbol}","ts":${t0 + i},"price":${100 + (i % 50) / 4},"size":${i}${more}}\n`;
const lines = (symbol: string, count: number): string =>
  Array.from({ length: count }, (_, i) => line(symbol, i)).join('');

async function storedSizes(symbol: string): Promise<number[]> {
  const { rows } = await database.reader.query<{ size: number }>(
    'SELECT size FROM ticks WHERE symbol = $1 ORDER BY seq',
    [symbol],
  );
  return rows.map((row) => row.size);
}
const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

describe('POST /api/v1/ingest/ticks', () => {
  it.each([
    ['JSON', 'application/json', JSON.stringify({ ticks: [{ symbol: 'F1', ts: t0, price: 1.5, size: 0 }] })],
    [
      'NDJSON',
      'application/x-ndjson',
      `{"symbol":"F2","ts":"2024-05-06T14:00:00.000Z","price":1.5,"size":0}`,
    ],
    ['CSV', 'text/csv; charset=utf-8', `ts,symbol,price,size,venue\n${t0},F3,1.5,0,"N"\n`],
  ])('stores %s', async (name, type, body) => {
    const symbol = `F${['JSON', 'NDJSON', 'CSV'].indexOf(name) + 1}`;
    const answer = await post('ticks', body, { 'content-type': type });
    expect(answer).toMatchObject({
      status: 200,
      body: { accepted: 1, duplicates: 0, rejected: [], rejected_total: 0 },
    });
    if (name === 'CSV') expect(answer.body.ignored_columns).toEqual(['venue']);
    const { rows } = await database.reader.query(
      'SELECT symbol, (extract(epoch FROM ts) * 1000)::float8 AS ts, price, size FROM ticks WHERE symbol = $1',
      [symbol],
    );
    expect(rows).toEqual([{ symbol, ts: t0, price: 1.5, size: 0 }]);
  });

  it.each([
    ['gzip', gzipSync],
    ['zstd', zstdCompressSync],
  ] as const)('reads %s bodies and keeps the order', async (encoding, compress) => {
    const answer = await post('ticks', compress(lines(`Z-${encoding}`, 30_000)), {
      'content-encoding': encoding,
    });
    expect(answer.body).toMatchObject({ accepted: 30_000 });
    expect(await storedSizes(`Z-${encoding}`)).toEqual(upTo(30_000));
  });

  it('rejects wrong lines by themselves and stores the rest', async () => {
    const body = `${line('R', 0)}{"symbol":"R","ts":${t0},"price":"x"}\n${line('R', 1)}{"symbol":"\\u0000","ts":${t0},"price":1}\n`;
    const { status, body: answer } = await post('ticks', body);
    expect(status).toBe(200);
    expect(answer).toMatchObject({
      accepted: 2,
      rejected_total: 2,
      rejected: [
        { index: 1, code: 'INVALID_PRICE' },
        { index: 3, code: 'INVALID_SYMBOL' },
      ],
    });
    expect(await storedSizes('R')).toEqual([0, 1]);
  });

  it('recognises duplicates by their id', async () => {
    const body = [1, 2, 2].map((i) => line('D', i, `,"id":"trade-${i}"`)).join('');
    expect((await post('ticks', body)).body).toMatchObject({ accepted: 2, duplicates: 1 });
    expect((await post('ticks', body)).body).toMatchObject({ accepted: 0, duplicates: 3 });
  });

  it.each([
    ['line protocol', 'm value=1', { 'content-type': 'text/plain' }, 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['another encoding', 'x', { 'content-encoding': 'br' }, 415, 'UNSUPPORTED_CONTENT_ENCODING'],
    ['another charset', 'x', { 'content-type': 'text/csv; charset=latin1' }, 415, 'UNSUPPORTED_CHARSET'],
    ['gzip that is none', 'x', { 'content-encoding': 'gzip' }, 400, 'MALFORMED_BODY'],
    ['an unknown field', '{"ticks":[],"a":1}', { 'content-type': 'application/json' }, 400, 'UNKNOWN_FIELD'],
    ['JSON that ends early', '{"ticks":[', { 'content-type': 'application/json' }, 400, 'MALFORMED_JSON'],
    ['an empty JSON body', '', { 'content-type': 'application/json' }, 400, 'EMPTY_BODY'],
    ['an empty NDJSON body', '', {}, 400, 'EMPTY_BODY'],
    ['blank lines only', '\n \n', {}, 400, 'EMPTY_BODY'],
    ['an empty CSV body', '', { 'content-type': 'text/csv' }, 400, 'EMPTY_BODY'],
    ['a CSV without a price', 'ts,symbol\n', { 'content-type': 'text/csv' }, 400, 'CSV_HEADER'],
    ['a key that is too long', 'x', { 'idempotency-key': 'k'.repeat(256) }, 400, 'INVALID_IDEMPOTENCY_KEY'],
  ])('with %s says so', async (_, body, headers, status, code) => {
    const answer = await post('ticks', body, { 'content-type': 'application/x-ndjson', ...headers });
    expect(answer).toMatchObject({ status, body: { code, status } });
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
  });

  it('needs a content type', async () => {
    const response = await fetch(`${app.baseUrl}/api/v1/ingest/ticks`, { method: 'POST' });
    expect(response.status).toBe(415);
  });

  it('refuses unknown query parameters', async () => {
    expect(await post('ticks?precision=ns', '')).toMatchObject({
      status: 400,
      body: { code: 'INVALID_PARAMETER' },
    });
  });

  it('does not store what the client had not finished sending', async () => {
    await new Promise<void>((resolve) => {
      const request = httpRequest(`${app.baseUrl}/api/v1/ingest/ticks`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-ndjson' },
      });
      request.on('error', () => resolve());
      request.write(lines('CUT', 100));
      setTimeout(() => request.destroy(), 100);
    });
    await post('ticks', line('AFTER', 0));
    expect(await storedSizes('CUT')).toEqual([]);
  });

  it('counts what comes out of order', async () => {
    const sample = async (): Promise<number> => {
      const text = await (await fetch(`${app.baseUrl}/metrics`)).text();
      return Number(/^tidewatch_ingest_out_of_order_ticks_total (\d+)$/m.exec(text)?.[1] ?? Number.NaN);
    };
    const before = await sample();
    await post('ticks', [5, 3, 6, 4].map((i) => line('OOO', i)).join(''));
    expect((await sample()) - before).toBe(2);
    expect(await storedSizes('OOO')).toEqual([5, 3, 6, 4]);
  });
});

describe('POST /api/v1/ingest/metrics', () => {
  const stored = async (portfolio: string) =>
    (
      await database.reader.query(
        'SELECT metric_type, value, metadata FROM analytics_metrics WHERE portfolio_id = $1 ORDER BY metric_type',
        [portfolio],
      )
    ).rows;

  it('stores points as JSON', async () => {
    const point = {
      portfolio_id: 'M1',
      metric_type: 'beta',
      value: -0.5,
      timestamp: t0,
      metadata: { a: 'é' },
    };
    const answer = await post('metrics', JSON.stringify({ points: [point] }), {
      'content-type': 'application/json',
    });
    expect(answer).toMatchObject({ status: 200, body: { accepted: 1 } });
    expect(await stored('M1')).toEqual([{ metric_type: 'beta', value: -0.5, metadata: { a: 'é' } }]);
  });

  it('stores InfluxDB line protocol', async () => {
    const body = `risk,portfolio_id=M2,desk=eq value=1.5,es=2i ${t0}\nrisk,portfolio_id=M2 value="x" ${t0}\n`;
    const answer = await post('metrics?precision=ms', body, { 'content-type': 'text/plain' });
    expect(answer.body).toMatchObject({ accepted: 2, rejected: [{ index: 1, code: 'INVALID_VALUE' }] });
    expect(await stored('M2')).toEqual([
      { metric_type: 'risk', value: 1.5, metadata: { desk: 'eq' } },
      { metric_type: 'risk.es', value: 2, metadata: { desk: 'eq' } },
    ]);
  });
});

describe('points of portfolios that do not exist', () => {
  const point = (portfolio: string, i: number): string =>
    `{"portfolio_id":"${portfolio}","metric_type":"m","value":${i},"timestamp":${t0 + i}}\n`;

  it('are refused by themselves, each with its index', async () => {
    const refused = { code: 'UNKNOWN_PORTFOLIO', message: 'There is no portfolio "GHOST".' };
    const body = ['M1', 'GHOST', 'M2', 'oops', 'GHOST']
      .map((id, i) => (id === 'oops' ? `${id}\n` : point(id, i)))
      .join('');
    expect((await post('metrics', body)).body).toEqual({
      accepted: 2,
      duplicates: 0,
      rejected: [
        { index: 1, ...refused },
        expect.objectContaining({ index: 3, code: 'MALFORMED_ROW' }),
        { index: 4, ...refused },
      ],
      rejected_total: 3,
    });
    const { rows } = await database.reader.query(
      "SELECT FROM analytics_metrics WHERE portfolio_id = 'GHOST' UNION ALL SELECT FROM latest_metrics WHERE portfolio_id = 'GHOST'",
    );
    expect(rows).toEqual([]);
  });

  it('are stored as soon as the portfolio exists, and refused again once it is deleted', async () => {
    expect((await post('metrics', point('NEW', 1))).body).toMatchObject({ accepted: 0, rejected_total: 1 });
    await putPortfolio('NEW');
    expect((await post('metrics', point('NEW', 2))).body).toMatchObject({ accepted: 1, rejected_total: 0 });
    await fetch(`${app.baseUrl}/api/v1/portfolios/NEW`, { method: 'DELETE' });
    expect((await post('metrics', point('NEW', 3))).body).toMatchObject({ accepted: 0, rejected_total: 1 });
  });
});

describe('an Idempotency-Key', () => {
  it('gives the first answer again and stores nothing twice', async () => {
    const body = `${lines('IK', 20_000)}oops\n`;
    const first = await post('ticks', body, { 'idempotency-key': 'k1' });
    expect(first.body).toMatchObject({ accepted: 20_000, rejected_total: 1 });
    expect(first.headers.get('idempotency-replayed')).toBeNull();
    const again = await post('ticks', gzipSync(body), {
      'idempotency-key': '"k1"',
      'content-encoding': 'gzip',
    });
    // To the byte: the order of the members too.
    expect(JSON.stringify(again.body)).toBe(JSON.stringify(first.body));
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(await storedSizes('IK')).toEqual(upTo(20_000));
  });

  it('with another body is 422', async () => {
    await post('ticks', line('IO', 0), { 'idempotency-key': 'k2' });
    const other = await post('ticks', line('IO', 1), { 'idempotency-key': 'k2' });
    expect(other).toMatchObject({ status: 422, body: { code: 'IDEMPOTENCY_KEY_REUSED' } });
    expect(await storedSizes('IO')).toEqual([0]);
  });

  it('is separate for ticks and metrics', async () => {
    await post('ticks', line('IS', 0), { 'idempotency-key': 'k3' });
    const point = `{"portfolio_id":"IS","metric_type":"m","value":1,"timestamp":${t0}}\n`;
    expect(await post('metrics', point, { 'idempotency-key': 'k3' })).toMatchObject({
      status: 200,
      body: { accepted: 1 },
    });
  });

  it('that is under way is waited for', async () => {
    const running = new Promise<number>((resolve, reject) => {
      const request = httpRequest(
        `${app.baseUrl}/api/v1/ingest/ticks`,
        { method: 'POST', headers: { 'content-type': 'application/x-ndjson', 'idempotency-key': 'k4' } },
        (response) => {
          response.resume();
          resolve(response.statusCode ?? 0);
        },
      );
      request.on('error', reject);
      request.write(line('IR', 0));
      setTimeout(() => request.end(line('IR', 1)), 400);
    });
    await new Promise((resolve) => setTimeout(resolve, 150));
    const body = line('IR', 0) + line('IR', 1);
    const others = await Promise.all([1, 2].map(() => post('ticks', body, { 'idempotency-key': 'k4' })));
    expect(await running).toBe(200);
    for (const other of others) {
      expect(other).toMatchObject({ status: 200, body: { accepted: 2 } });
      expect(other.headers.get('idempotency-replayed')).toBe('true');
    }
    expect(await storedSizes('IR')).toEqual([0, 1]);
  });

  it('of an upload that was cut off lets the repetition store the rest', async () => {
    const body = lines('IC', 60_000);
    await new Promise<void>((resolve) => {
      const request = httpRequest(`${app.baseUrl}/api/v1/ingest/ticks`, {
        method: 'POST',
        headers: {
          'content-type': 'application/x-ndjson',
          'idempotency-key': 'k5',
          'content-length': body.length,
        },
      });
      request.on('error', () => resolve());
      request.write(body.slice(0, 1_800_000));
      setTimeout(() => request.destroy(), 1_000);
    });
    const partly = await storedSizes('IC');
    expect(partly.length).toBeGreaterThan(0);
    expect(partly.length).toBeLessThan(60_000);
    const other = await post('ticks', lines('IX', 60_000), { 'idempotency-key': 'k5' });
    expect(other).toMatchObject({ status: 422, body: { code: 'IDEMPOTENCY_KEY_REUSED' } });
    const again = await post('ticks', body, { 'idempotency-key': 'k5' });
    expect(again).toMatchObject({ status: 200, body: { accepted: 60_000 } });
    expect(await storedSizes('IC')).toEqual(upTo(60_000));
    expect(await storedSizes('IX')).toEqual([]);
  });
});
