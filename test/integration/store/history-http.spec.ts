import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { MetricWriter } from '../../../src/store/metric.writer.js';
import { TickWriter } from '../../../src/store/tick.writer.js';
import { startApp, type TestApp } from '../../harness/index.js';

const t0 = Date.UTC(2026, 0, 5, 14, 30);

describe('what was stored, over HTTP', () => {
  let app: TestApp;
  const get = async (path: string) => {
    const response = await fetch(`${app.baseUrl}${path}`);
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  const post = async (body: unknown) => {
    const response = await fetch(`${app.baseUrl}/api/v1/analytics/history`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };

  beforeAll(async () => {
    app = await startApp();
    const points = Array.from({ length: 600 }, (_, i) => ({
      portfolioId: i % 2 ? 'A' : 'B',
      metricType: i % 3 ? 'value' : 'pnl',
      value: i,
      tsMs: t0 + i * 1000,
      metadata: null,
    }));
    await app.app.get(MetricWriter, { strict: false }).append(points);
    await app.app.get(TickWriter, { strict: false }).append([
      { symbol: 'SPY', tsMs: t0, price: 167.42, size: 100, sourceId: 'x1' },
      { symbol: 'SPY', tsMs: t0 + 0.25, price: 167.43, size: null, sourceId: null },
      { symbol: 'SPY', tsMs: t0 + 5, price: 167.44, size: 0, sourceId: null },
    ]);
  }, 60_000);
  afterAll(() => app.stop());

  it('answers the history of one portfolio in buckets that the client names or the server chooses', async () => {
    const span = `from=${t0}&to=${t0 + 600_000}`;
    const { status, body } = await get(`/api/v1/analytics/portfolio/A/history?${span}&resolution=5m`);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      portfolio_id: 'A',
      metric: 'value',
      resolution_used: '5m',
      from: new Date(t0).toISOString(),
      gaps: 'omit',
      as_of: new Date(t0 + 599_000).toISOString(),
      next_cursor: null,
    });
    expect(body.data_age_ms).toBeGreaterThan(0);
    const values = Array.from({ length: 600 }, (_, i) => i).filter((i) => i % 2 === 1 && i % 3 !== 0);
    const first = values.filter((i) => i < 300);
    expect((body.buckets as unknown[])[0]).toEqual({
      bucket: '2026-01-05T14:30:00Z',
      avg: first.reduce((a, b) => a + b) / first.length,
      min: first[0],
      max: first.at(-1),
      first: first[0],
      last: first.at(-1),
      count: first.length,
    });
    const auto = await get(`/api/v1/analytics/portfolio/A/history?${span}&metric=pnl`);
    expect(auto.body.resolution_used).toBe('raw');
    expect(auto.body.buckets).toHaveLength(100);
  });

  it('answers many portfolios at once and says which have nothing', async () => {
    await fetch(`${app.baseUrl}/api/v1/portfolios/NONE`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'empty', currency: 'USD', positions: [] }),
    });
    const body = {
      portfolio_ids: ['B', 'A', 'NONE'],
      from: new Date(t0).toISOString(),
      to: new Date(t0 + 600_000).toISOString(),
      bucket: '5 minutes',
    };
    const answer = await post(body);
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ resolution_used: '5m', without_data: ['NONE'], next_cursor: null });
    const series = answer.body.series as { portfolio_id: string; metric_type: string; buckets: unknown[] }[];
    expect(series.map((s) => `${s.portfolio_id} ${s.metric_type} ${s.buckets.length}`)).toEqual([
      'A pnl 2',
      'A value 2',
      'B pnl 2',
      'B value 2',
    ]);
    const page = await post({ ...body, limit: 3 });
    expect(page.body.series).toHaveLength(1);
    const next = await post({ ...body, limit: 100, cursor: page.body.next_cursor });
    expect((next.body.series as { metric_type: string }[]).map((s) => s.metric_type)).toEqual([
      'value',
      'pnl',
      'value',
    ]);
  });

  it('names the portfolios that do not exist', async () => {
    const body = { portfolio_ids: ['A', 'NOBODY'], from: t0, to: t0 + 600_000, bucket: '5m' };
    expect(await post(body)).toMatchObject({
      status: 404,
      body: { code: 'NOT_FOUND', errors: [{ pointer: '/portfolio_ids/1', code: 'NOT_FOUND' }] },
    });
  });

  it('says that there is nothing instead of inventing zeros', async () => {
    const { body } = await get(`/api/v1/analytics/portfolio/A/history?from=2020-01-01&to=2020-01-02`);
    expect(body).toMatchObject({ buckets: [], as_of: null, data_age_ms: null });
    expect(body.reason).toEqual(expect.any(String));
    const unknown = await get('/api/v1/analytics/portfolio/NOBODY/history');
    expect(unknown.status).toBe(404);
  });

  it.each([
    ['resolution=5parsecs', '?resolution'],
    ['from=yesterday', '?from'],
    ['from=2026-01-02&to=2026-01-01', '?from'],
    ['limit=0', '?limit'],
    ['limit=1e9', '?limit'],
    ['gaps=zero', '?gaps'],
    ['bucket=5m', '?bucket'],
    ['cursor=nonsense&resolution=1h', '?cursor'],
    ['metric=a%20b', '?metric'],
  ])('refuses %s and names the parameter', async (query, pointer) => {
    const { status, body } = await get(`/api/v1/analytics/portfolio/A/history?${query}`);
    expect(status).toBe(400);
    expect((body.errors as { pointer: string }[])[0]?.pointer).toBe(pointer);
  });

  it('refuses a wrong body and names the field', async () => {
    const { status, body } = await post({ portfolio_ids: [], from: 1, to: 2, buckets: '5m' });
    expect(status).toBe(422);
    expect((body.errors as { pointer: string }[]).map((e) => e.pointer).sort()).toEqual([
      '/buckets',
      '/portfolio_ids',
    ]);
    const strange = await post({ portfolio_ids: ['A'], from: 1, to: 2, cursor: 'nonsense' });
    expect(strange).toMatchObject({ status: 400, body: { errors: [{ pointer: '/cursor' }] } });
  });

  it('gives ticks back exactly, page by page', async () => {
    const first = await get('/api/v1/ticks?symbol=SPY&limit=2');
    expect(first.body.items).toEqual([
      { seq: 1, symbol: 'SPY', ts: '2026-01-05T14:30:00.000Z', price: 167.42, size: 100, id: 'x1' },
      { seq: 2, symbol: 'SPY', ts: '2026-01-05T14:30:00.000250Z', price: 167.43, size: null, id: null },
    ]);
    const second = await get(`/api/v1/ticks?symbol=SPY&limit=2&cursor=${first.body.next_cursor}`);
    expect(second.body).toMatchObject({
      items: [{ seq: 3, price: 167.44, size: 0 }],
      next_cursor: null,
      as_of: '2026-01-05T14:30:00.005Z',
    });
    const other = await get(`/api/v1/ticks?symbol=AAPL&limit=2&cursor=${first.body.next_cursor}`);
    expect(other).toMatchObject({
      status: 400,
      body: { code: 'INVALID_CURSOR', errors: [{ pointer: '?cursor' }] },
    });
    const position = JSON.parse(
      Buffer.from(String(first.body.next_cursor), 'base64url').toString(),
    ) as unknown[];
    const altered = Buffer.from(JSON.stringify([position[0], '9'.repeat(30), 1])).toString('base64url');
    expect((await get(`/api/v1/ticks?symbol=SPY&cursor=${altered}`)).status).toBe(400);
    const none = await get(`/api/v1/ticks?symbol=NONE&from=${t0}`);
    expect(none.body).toMatchObject({ items: [], next_cursor: null, as_of: null, data_age_ms: null });
    expect((await get('/api/v1/ticks')).status).toBe(400);
    expect((await get('/api/v1/ticks?symbol=SPY&from=9&to=3')).status).toBe(400);
  });
});
