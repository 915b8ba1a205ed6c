import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { PortfolioChanged } from '../../src/domain/events.js';
import type { Trade } from '../../src/domain/portfolio.js';
import { AuditRepository } from '../../src/store/audit.repository.js';
import { LimitRepository } from '../../src/store/limit.repository.js';
import { openStore, storeBranches, type TestStore } from '../harness/store.js';

const trade = (id: string, side: 'buy' | 'sell', symbol: string, quantity: number, price = 10): Trade => ({
  id,
  tsMs: Date.UTC(2026, 0, 5),
  symbol,
  side,
  quantity,
  price,
});

describe.each(storeBranches())('portfolios and bars on $dialect', (branch) => {
  let store: TestStore;
  beforeAll(async () => {
    store = await openStore(await branch.freshDatabase());
  }, 60_000);
  afterAll(() => store.close());

  it('creates, replaces, reads and deletes a portfolio, each change announced once in order', async () => {
    const { portfolios, bus } = store;
    const news: PortfolioChanged[] = [];
    const off = bus.on('portfolio.changed', (e) => news.push(e));
    const first = await portfolios.put({
      id: 'P1',
      name: 'One',
      currency: 'USD',
      positions: [
        { symbol: 'SPY', quantity: 0.1 },
        { symbol: 'SPY', quantity: 0.2 },
        { symbol: 'BAC', quantity: -5 },
        { symbol: 'NIL', quantity: 0 },
      ],
    });
    expect(first.created).toBe(true);
    expect(first.portfolio.positions).toEqual([
      { symbol: 'BAC', quantity: -5 },
      { symbol: 'SPY', quantity: 0.3 },
    ]);
    const second = await portfolios.put({ id: 'P1', name: 'Uno', currency: 'EUR', positions: [] });
    expect(second.created).toBe(false);
    expect(await portfolios.get('P1')).toEqual(second.portfolio);
    expect(await portfolios.delete('P1')).toBe(true);
    expect(await portfolios.delete('P1')).toBe(false);
    expect(await portfolios.get('P1')).toBeNull();
    off();
    expect(news.map((n) => n.kind)).toEqual(['put', 'put', 'deleted']);
    const changes = [];
    for await (const batch of portfolios.positionChanges({ fromSeq: 1 })) changes.push(...batch);
    expect(changes.map((c) => ({ kind: c.kind, portfolio: c.portfolio }))).toEqual(news);
  });

  it('takes the limits of a portfolio along when it is deleted, and remembers its trades', async () => {
    const { portfolios, database } = store;
    const audit = new AuditRepository(database);
    const limits = new LimitRepository(database, audit);
    const book = { id: 'AGAIN', name: 'Again', currency: 'USD', positions: [] };
    await portfolios.put(book);
    await portfolios.applyTrades('AGAIN', [trade('t1', 'buy', 'BAC', 1)]);
    const settings = { limitType: 'var', thresholdValue: 100, warningThreshold: 80, clearThreshold: null };
    const by = { actor: 'desk', action: 'created', comment: null };
    const limit = await limits.create('AGAIN', { ...settings, dwellMs: 0, active: true }, by);
    await portfolios.delete('AGAIN', 'operator');
    expect((await limits.all()).filter((l) => l.portfolioId === 'AGAIN')).toEqual([]);
    const [entry] = await audit.of('risk_limit', limit.id);
    expect(entry).toMatchObject({ actor: 'operator', action: 'deleted', after: null });
    expect(entry?.before).toMatchObject({ limit_type: 'var', threshold_value: 100, active: true });
    await portfolios.put(book);
    const again = await portfolios.applyTrades('AGAIN', [trade('t1', 'buy', 'BAC', 1)]);
    expect([again.applied, again.duplicates, again.portfolio.positions]).toEqual([[], ['t1'], []]);
    await portfolios.delete('AGAIN');
  });

  it('applies a trade once per id and names repeated ones that differ', async () => {
    const { portfolios } = store;
    await portfolios.put({
      id: 'P2',
      name: 'Two',
      currency: 'USD',
      positions: [{ symbol: 'SPY', quantity: 10 }],
    });
    const result = await portfolios.applyTrades('P2', [
      trade('t1', 'buy', 'BAC', 0.1),
      trade('t2', 'buy', 'BAC', 0.2),
      trade('t3', 'sell', 'SPY', 10),
      trade('t1', 'buy', 'BAC', 0.1),
    ]);
    expect(result.applied).toEqual(['t1', 't2', 't3']);
    expect(result.portfolio.positions).toEqual([{ symbol: 'BAC', quantity: 0.3 }]);
    const again = await portfolios.applyTrades('P2', [
      trade('t2', 'buy', 'BAC', 0.2),
      trade('t3', 'sell', 'SPY', 11),
    ]);
    expect(again).toEqual({
      portfolio: result.portfolio,
      applied: [],
      duplicates: ['t2'],
      conflicting: ['t3'],
    });
    const { trades } = await portfolios.trades('P2', { limit: 2 });
    expect(trades).toHaveLength(2);
    await expect(portfolios.applyTrades('NONE', [])).rejects.toMatchObject({ status: 404 });
  });

  it('gives concurrent changes of one portfolio an order that its history repeats', async () => {
    const { portfolios } = store;
    await portfolios.put({ id: 'P3', name: 'Three', currency: 'USD', positions: [] });
    await Promise.all(
      Array.from({ length: 20 }, (_, i) => portfolios.applyTrades('P3', [trade(`c${i}`, 'buy', 'IBM', 1)])),
    );
    const states: number[] = [];
    for await (const batch of portfolios.positionChanges({ fromSeq: 1 })) {
      for (const c of batch)
        if (c.portfolio.id === 'P3') states.push(c.portfolio.positions[0]?.quantity ?? 0);
    }
    expect(states).toEqual(Array.from({ length: 21 }, (_, i) => i));
    expect((await portfolios.get('P3'))?.positions).toEqual([{ symbol: 'IBM', quantity: 20 }]);
  });

  it('lists portfolios page by page and as they were at a point of the order', async () => {
    const { portfolios } = store;
    const before = (await portfolios.get('P3'))!.revision;
    await portfolios.put({ id: 'P4', name: 'Four', currency: 'USD', positions: [] });
    const first = await portfolios.list({ limit: 2 });
    const second = await portfolios.list({ limit: 2, cursor: first.nextCursor! });
    expect([...first.portfolios, ...second.portfolios].map((p) => p.id)).toEqual(['P2', 'P3', 'P4']);
    expect(second.nextCursor).toBeNull();
    await expect(portfolios.list({ cursor: 'nonsense' })).rejects.toMatchObject({ code: 'INVALID_CURSOR' });
    expect((await portfolios.asOf(before + 1)).map((p) => p.id).sort()).toEqual(['P2', 'P3']);
  });

  it('keeps daily bars by symbol and day', async () => {
    const { bars } = store;
    await bars.upsert([
      { symbol: 'SPY', day: 0, close: 1 },
      { symbol: 'SPY', day: 10_957, close: 2, closeAdjusted: 1.9 },
      { symbol: 'SPY', day: 20_000, close: 3 },
      { symbol: 'BAC', day: 20_000, close: 4 },
      { symbol: 'SPY', day: 20_000, close: 3.5 },
    ]);
    await bars.upsert([{ symbol: 'BAC', day: 20_000, close: 5 }]);
    const closes = await bars.closes(['BAC', 'NONE', 'SPY']);
    expect(closes.map((c) => [c.symbol, [...c.days], [...c.closes]])).toEqual([
      ['BAC', [20_000], [5]],
      ['SPY', [0, 10_957, 20_000], [1, 1.9, 3.5]],
    ]);
    const [limited] = await bars.closes(['SPY'], { toDay: 19_999, limit: 1 });
    expect([...limited!.days]).toEqual([10_957]);
  });
});
