import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { batchStatistics } from '../../../src/kernel/batch-statistics.js';
import { Metrics } from '../../../src/observability/metrics.js';
import { seededTicks } from '../../factories/ticks.js';
import { startApp, type TestApp } from '../../harness/index.js';

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
}, 60_000);
afterAll(() => app?.stop());

/** Answers are looked into by path; their shape is what the tests are about. */
type Json = ReturnType<typeof JSON.parse>;

async function call(method: string, path: string, body?: unknown): Promise<{ status: number; json: Json }> {
  const response = await fetch(app.baseUrl + path, {
    method,
    ...(body === undefined
      ? {}
      : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, json: text === '' ? null : JSON.parse(text) };
}

describe('portfolios and their summary', () => {
  it('creates, values, summarises, trades and deletes', async () => {
    const put = await call('PUT', '/api/v1/portfolios/P1', {
      name: 'One',
      currency: 'USD',
      positions: [
        { symbol: 'AAA', quantity: 10 },
        { symbol: 'BBB', quantity: -4 },
      ],
    });
    expect(put.status).toBe(201);
    expect(put.json).toMatchObject({ id: 'P1', value: null, reason: 'no price of AAA has been seen' });
    const before = await call('GET', '/api/v1/analytics/portfolio/P1/summary');
    expect(before.json).toMatchObject({
      current_value: null,
      as_of: null,
      data_age_ms: null,
      mean: null,
      window: { size: 0, ready: false, need: 20, have: 0 },
      reasons: {
        mean: { code: 'warming_up', need: 1, have: 0 },
        quantiles: { code: 'warming_up', need: 20, have: 0 },
      },
    });

    const ticks = seededTicks({ symbols: ['AAA', 'BBB'], count: 400, seed: 9 });
    const sent = await call('POST', '/api/v1/ingest/ticks', {
      ticks: ticks.map(({ symbol, tsMs, price }) => ({ symbol, ts: tsMs, price })),
    });
    expect(sent.json).toMatchObject({ accepted: 400, duplicates: 0 });

    const last = new Map<string, number>();
    const values: number[] = [];
    for (const { symbol, price } of ticks) {
      last.set(symbol, price);
      if (last.size === 2) values.push(10 * last.get('AAA')! - 4 * last.get('BBB')!);
    }
    const expected = batchStatistics(values, { periodsPerYear: (365.25 * 86_400_000) / 250 });
    const { json } = await call('GET', '/api/v1/analytics/portfolio/P1/summary');
    expect(json.current_value).toBeCloseTo(values.at(-1)!, 9);
    expect(json.window).toMatchObject({ size: values.length, capacity: 10_000, ready: true });
    expect(json.as_of).toBe(new Date(ticks.at(-1)!.tsMs).toISOString());
    for (const [field, value] of [
      ['mean', expected.mean],
      ['std', expected.std],
      ['std_sample', expected.stdSample],
      ['min', expected.min],
      ['max', expected.max],
      ['trend', expected.trend],
      ['volatility', expected.volatility],
    ] as const) {
      expect([field, Math.abs(json[field] / value! - 1) < 1e-9]).toEqual([field, true]);
    }
    expect(json.annualisation.sampling_period_ms).toBe(250);
    expect(Object.keys(json.calculators)).toEqual(['realised_volatility', 'turnover', 'range_position']);
    expect(json.calculators.realised_volatility.value).toBeGreaterThan(0);
    const same = await call('GET', '/api/v1/sprint3/analytics/portfolio/P1/summary');
    expect({ ...same.json, data_age_ms: 0 }).toEqual({ ...json, data_age_ms: 0 });

    const trade = { id: 'T1', ts: ticks.at(-1)!.tsMs, symbol: 'AAA', side: 'buy', quantity: 5, price: 50 };
    expect((await call('POST', '/api/v1/portfolios/P1/trades', [trade])).json).toMatchObject({
      applied: ['T1'],
      duplicates: [],
      rejected: [],
      portfolio: {
        positions: [
          { symbol: 'AAA', quantity: 15 },
          { symbol: 'BBB', quantity: -4 },
        ],
      },
    });
    expect((await call('POST', '/api/v1/portfolios/P1/trades', [trade])).json).toMatchObject({
      applied: [],
      duplicates: ['T1'],
    });
    expect(
      (await call('POST', '/api/v1/portfolios/P1/trades', [{ ...trade, quantity: 6 }])).json,
    ).toMatchObject({
      rejected: [{ index: 0, code: 'TRADE_CONFLICT' }],
    });
    const traded = await call('GET', '/api/v1/portfolios/P1');
    expect(traded.json.value).toBeCloseTo(15 * last.get('AAA')! - 4 * last.get('BBB')!, 9);
    expect((await call('GET', '/api/v1/portfolios/P1/trades')).json.items).toHaveLength(1);
    const afterTrade = (await call('GET', '/api/v1/analytics/portfolio/P1/summary')).json;
    expect(afterTrade.calculators.turnover.value).toBeGreaterThan(0);
    expect(json.position_changes).toMatchObject({ in_window: 0, mixed_figures: [] });
    expect(afterTrade.position_changes).toMatchObject({ in_window: 1, values_since_last: 0 });
    expect(afterTrade.position_changes.value_added).toBeCloseTo(5 * last.get('AAA')!, 9);

    const explained = (await call('GET', '/api/v1/analytics/portfolio/P1/explain')).json;
    expect(explained.inputs.full_revaluation).toBeCloseTo(explained.summary.current_value, 9);
    expect(explained.inputs.positions[0]).toMatchObject({
      symbol: 'AAA',
      quantity: 15,
      currency: 'USD',
      exchange_rate: 1,
    });

    const page = (await call('GET', '/api/v1/portfolios?limit=1')).json;
    expect(page.items.map((p: { id: string }) => p.id)).toEqual(['P1']);
    expect((await call('DELETE', '/api/v1/portfolios/P1')).status).toBe(204);
    expect((await call('GET', '/api/v1/portfolios/P1')).status).toBe(404);
    expect((await call('GET', '/api/v1/analytics/portfolio/P1/summary')).json).toMatchObject({
      status: 404,
      code: 'NOT_FOUND',
    });
    expect((await call('DELETE', '/api/v1/portfolios/P1')).status).toBe(404);
  });

  it.each([
    ['PUT', '/api/v1/portfolios/P2', { name: 'x', currency: 'usd', positions: [] }, 422, '/currency'],
    ['PUT', '/api/v1/portfolios/P2', { name: 'x', currency: 'USD', positions: [], extra: 1 }, 422, '/extra'],
    [
      'PUT',
      '/api/v1/portfolios/P2',
      { name: 'x', currency: 'USD', positions: [{ symbol: 'A', quantity: '1' }] },
      422,
      '/positions/0/quantity',
    ],
    [
      'PUT',
      '/api/v1/portfolios/P2',
      {
        name: 'x',
        currency: 'USD',
        positions: [
          { symbol: 'A', quantity: 1 },
          { symbol: 'A', quantity: 1 },
        ],
      },
      422,
      '/positions/1/symbol',
    ],
    ['PUT', '/api/v1/portfolios/a%20b', { name: 'x', currency: 'USD', positions: [] }, 400, '{id}'],
    ['POST', '/api/v1/portfolios/none/trades', [], 422, ''],
    ['GET', '/api/v1/portfolios?limit=0', undefined, 400, '?limit'],
    ['GET', '/api/v1/portfolios?what=1', undefined, 400, '?what'],
    ['GET', '/api/v1/analytics/portfolio/none/summary?x=1', undefined, 400, '?x'],
    ['POST', '/api/v1/analytics/compute', { values: [1, null] }, 422, '/values/1'],
    ['POST', '/api/v1/analytics/compute', { values: [] }, 422, '/values'],
    ['POST', '/api/v1/analytics/compute', { values: [1], window: 0 }, 422, '/window'],
    ['POST', '/api/v1/analytics/compute', { values: [1], at: [2] }, 422, '/at/0'],
    ['POST', '/api/v1/analytics/compute', { values: [1], mode: 'both' }, 422, '/mode'],
    ['POST', '/api/v1/analytics/compute', { values: [1], what: 1 }, 422, '/what'],
  ])('%s %s names what is wrong', async (method, path, body, status, pointer) => {
    const { status: got, json } = await call(method, path, body);
    expect([got, json.errors?.[0]?.pointer]).toEqual([status, pointer]);
  });

  it('computes statistics of values in the body, streamed and recomputed alike, small and large', async () => {
    for (const count of [100, 30_000]) {
      const values = seededTicks({ symbols: ['A'], count, seed: 4 }).map((t) => t.price);
      const at = [5, 50, count];
      const [stream, batch] = await Promise.all(
        (['stream', 'batch'] as const).map((mode) =>
          call('POST', '/api/v1/analytics/compute', { values, window: 1_000, at, mode }),
        ),
      );
      expect([stream!.status, batch!.status]).toEqual([200, 200]);
      expect(stream!.json.results.map((r: { at: number }) => r.at)).toEqual(at);
      expect(stream!.json.results[0]).toMatchObject({
        trend: null,
        volatility: null,
        window: { size: 5, ready: false },
      });
      for (let i = 0; i < at.length; i++) {
        const a = stream!.json.results[i];
        const b = batch!.json.results[i];
        for (const field of [
          'current_value',
          'mean',
          'std',
          'std_sample',
          'min',
          'max',
          'trend',
          'volatility',
        ]) {
          if (b[field] === null) expect(a[field]).toBeNull();
          else expect(Math.abs(a[field] - b[field])).toBeLessThanOrEqual(Math.abs(b[field]) * 1e-12);
        }
        expect(a.reasons).toEqual(b.reasons);
      }
      expect(stream!.json.annualisation.periods_per_year).toBe(252);
      expect(stream!.json.mean).toBe(stream!.json.results[2].mean);
    }
  });

  it('computes over a window as long as asked for, and says how long it was', async () => {
    const values = seededTicks({ symbols: ['A'], count: 30_000, seed: 6 }).map((t) => t.price);
    const [asked, byDefault] = await Promise.all(
      [{ window: 20_000 }, {}].map((body) => call('POST', '/api/v1/analytics/compute', { values, ...body })),
    );
    expect(asked!.json.window).toMatchObject({ size: 20_000, capacity: 20_000 });
    expect(asked!.json.min).toBe(Math.min(...values.slice(-20_000)));
    expect(byDefault!.json.window).toMatchObject({ size: 10_000, capacity: 10_000 });
    expect(byDefault!.json.min).toBe(Math.min(...values.slice(-10_000)));
  });

  it('keeps off the event loop what is short to send and long to compute', async () => {
    const onWorker = (): number =>
      app.app
        .get(Metrics)
        .read('tidewatch_analytics_compute_total')
        .filter(({ labels }) => labels.place === 'worker' && labels.outcome === 'ok')
        .reduce((sum, { value }) => sum + value, 0);
    const values = Array.from({ length: 5_000 }, (_, i) => 1 + (i % 9));
    const before = onWorker();
    await call('POST', '/api/v1/analytics/compute', { values });
    expect(onWorker()).toBe(before);
    const at = Array.from({ length: 20 }, (_, i) => 5_000 - i);
    const { status, json } = await call('POST', '/api/v1/analytics/compute', { values, mode: 'batch', at });
    expect([status, json.results.length, onWorker()]).toEqual([200, 20, before + 1]);
  });

  it('refuses a large body with one wrong value by naming it, and what is no JSON', async () => {
    const values = Array.from({ length: 200_000 }, (_, i) => (i === 123_456 ? 'x' : i));
    const { status, json } = await call('POST', '/api/v1/analytics/compute', { values });
    expect([status, json.errors[0].pointer]).toEqual([422, '/values/123456']);
    const response = await fetch(`${app.baseUrl}/api/v1/analytics/compute`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"values": [1, NaN]}',
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: 'MALFORMED_JSON' });
  });
});
