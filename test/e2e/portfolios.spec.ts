import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startApp, type TestApp } from '../harness/index.js';

describe('portfolios and trades over HTTP', () => {
  let app: TestApp;
  const call = async (method: string, path: string, body?: unknown) => {
    const response = await fetch(`${app.baseUrl}/api/v1/portfolios${path}`, {
      method,
      headers: body === undefined ? {} : { 'content-type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    return { status: response.status, body: text === '' ? null : JSON.parse(text) };
  };
  const book = (quantity: number) => ({
    name: 'Book',
    currency: 'USD',
    positions: [{ symbol: 'PFA', quantity }],
  });
  const trade = (id: string, quantity: number, side = 'buy') => ({
    id,
    ts: '2026-01-05T14:30:00Z',
    symbol: 'PFA',
    side,
    quantity,
    price: 10,
  });

  beforeAll(async () => {
    app = await startApp();
  });
  afterAll(async () => {
    await app?.stop();
  });

  it('creates with 201, replaces with 200, reads back, deletes with 204, and is then a 404', async () => {
    expect((await call('PUT', '/CRUD', book(1))).status).toBe(201);
    expect((await call('PUT', '/CRUD', book(2))).status).toBe(200);
    expect((await call('GET', '/CRUD')).body).toMatchObject({
      id: 'CRUD',
      positions: [{ symbol: 'PFA', quantity: 2 }],
    });
    expect((await call('DELETE', '/CRUD')).status).toBe(204);
    const gone = await call('GET', '/CRUD');
    expect([gone.status, gone.body.code]).toEqual([404, 'NOT_FOUND']);
    expect((await call('DELETE', '/CRUD')).status).toBe(404);
  });

  it('knows a portfolio for every stage as soon as its creation is answered', async () => {
    for (let i = 0; i < 20; i++) {
      const id = `FRESH_${i}`;
      await call('PUT', `/${id}`, book(1));
      const response = await fetch(`${app.baseUrl}/api/v1/risk/portfolio/${id}/limits`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ limit_type: 'var', threshold_value: 10, warning_threshold: 8 }),
      });
      expect(response.status).toBe(201);
    }
  });

  it('lists every portfolio once, page by page', async () => {
    for (const id of ['LIST_A', 'LIST_B', 'LIST_C']) await call('PUT', `/${id}`, book(1));
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const page: { body: { items: { id: string }[]; next_cursor: string | null } } = await call(
        'GET',
        `?limit=2${cursor ? `&cursor=${cursor}` : ''}`,
      );
      seen.push(...page.body.items.map(({ id }) => id));
      cursor = page.body.next_cursor;
    } while (cursor);
    expect(seen.filter((id) => id.startsWith('LIST_'))).toEqual(['LIST_A', 'LIST_B', 'LIST_C']);
    expect((await call('GET', '?cursor=nonsense')).body.code).toBe('INVALID_CURSOR');
  });

  it('applies a trade once per id, whatever is repeated, and refuses an id with another content', async () => {
    await call('PUT', '/TRADES', book(100));
    const first = await call('POST', '/TRADES/trades', [trade('t1', 10), trade('t2', 5, 'sell')]);
    expect(first.body).toMatchObject({
      applied: ['t1', 't2'],
      portfolio: { positions: [{ quantity: 105 }] },
    });
    const again = await call('POST', '/TRADES/trades', [
      trade('t1', 10),
      trade('t3', 1),
      trade('t2', 6, 'sell'),
    ]);
    expect(again.body).toMatchObject({
      applied: ['t3'],
      duplicates: ['t1'],
      rejected: [{ index: 2, code: 'TRADE_CONFLICT' }],
      portfolio: { positions: [{ quantity: 106 }] },
    });
    const listed = await call('GET', '/TRADES/trades');
    expect(listed.body.items.map(({ id }: { id: string }) => id).sort()).toEqual(['t1', 't2', 't3']);
    expect((await call('POST', '/NOBODY/trades', [trade('t1', 1)])).status).toBe(404);
  });

  it('applies none of the trades when one moves a position beyond what a quantity can be', async () => {
    await call('PUT', '/FAR', book(1));
    const far = Number.MAX_SAFE_INTEGER;
    const { status, body } = await call('POST', '/FAR/trades', [trade('ok', 1), trade('far', far)]);
    expect(status).toBe(422);
    expect(body.errors).toMatchObject([{ pointer: '/1/quantity', code: 'POSITION_TOO_LARGE' }]);
    expect((await call('GET', '/FAR')).body.positions).toEqual([{ symbol: 'PFA', quantity: 1 }]);
    const allowed = await call('POST', '/FAR/trades', [trade('far', far, 'sell'), trade('back', 1)]);
    expect(allowed.body.portfolio.positions).toEqual([{ symbol: 'PFA', quantity: 2 - far }]);
  });

  it.each<[string, string, unknown, string]>([
    ['an unknown field', '/BAD', { ...book(1), colour: 'red' }, '/colour'],
    [
      'a symbol twice',
      '/BAD',
      { ...book(1), positions: [...book(1).positions, ...book(2).positions] },
      '/positions/1/symbol',
    ],
    ['a currency in words', '/BAD', { ...book(1), currency: 'dollars' }, '/currency'],
    [
      'a quantity that is text',
      '/BAD',
      { ...book(1), positions: [{ symbol: 'A', quantity: '1' }] },
      '/positions/0/quantity',
    ],
    ['U+0000 in the name', '/BAD', { ...book(1), name: 'a\u0000b' }, '/name'],
    ['a lone surrogate in the name', '/BAD', { ...book(1), name: '\ud800' }, '/name'],
  ])('refuses %s and names the field', async (_, path, body, pointer) => {
    const { status, body: problem } = await call('PUT', path, body);
    expect(status).toBe(422);
    expect(problem.errors.map((e: { pointer: string }) => e.pointer)).toContain(pointer);
    expect((await call('GET', path)).status).toBe(404);
  });

  it('refuses an id that cannot be one', async () => {
    expect((await call('PUT', '/no%20spaces', book(1))).status).toBe(400);
  });
});
