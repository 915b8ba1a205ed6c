import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { StoredTick, Tick } from '../../src/domain/tick.js';
import { openStore, storeBranches, type TestStore } from '../harness/store.js';

const t0 = Date.UTC(2026, 0, 5, 14, 30);
const tick = (symbol: string, offsetMs: number, price: number, sourceId: string | null = null): Tick => ({
  symbol,
  tsMs: t0 + offsetMs,
  price,
  size: sourceId === null ? 100 : null,
  sourceId,
});

describe.each(storeBranches())('writes on $dialect', (branch) => {
  let store: TestStore;
  beforeAll(async () => {
    store = await openStore(await branch.freshDatabase());
  }, 60_000);
  afterAll(() => store.close());

  const all = async (): Promise<StoredTick[]> => {
    const out: StoredTick[] = [];
    for await (const batch of store.tickRepository.replay({ fromSeq: 1 })) out.push(...batch);
    return out;
  };

  it('chose the branch that the server offers', () => {
    expect(store.database.dialect).toBe(branch.dialect);
    expect(store.database.branch.reason).not.toBe('');
  });

  it('stores ticks exactly and announces them in order', async () => {
    const announced: StoredTick[] = [];
    const off = store.bus.on('ticks.stored', ({ ticks }) => announced.push(...ticks));
    const sent = [
      tick('SPY', 0, 167.42),
      { ...tick('SPY', 0.123, 0.1 + 0.2), size: null },
      tick('BRK.B', -1e9, 1e-300),
      tick('Ünïcode'.normalize('NFC'), 5, Number.MAX_VALUE),
    ];
    const result = await store.ticks.append(sent);
    off();
    expect(result).toEqual({ stored: 4, duplicates: 0, rejected: [] });
    expect(announced.map(({ seq, ...t }) => t)).toEqual(sent);
    expect(await all()).toEqual(announced);
    expect(announced.map((t) => t.seq)).toEqual([1, 2, 3, 4]);
  });

  it('recognises ticks by their source id, also within one call and between concurrent ones', async () => {
    const batch = Array.from({ length: 500 }, (_, i) => tick('IDS', i, 10 + i, `x${i}`));
    const results = await Promise.all([
      store.ticks.append([...batch, ...batch.slice(0, 100)]),
      store.ticks.append([...batch].reverse()),
      store.ticks.append(batch.map((t) => ({ ...t, sourceId: null }))),
    ]);
    const stored = results.reduce((n, r) => n + r.stored, 0);
    const duplicates = results.reduce((n, r) => n + r.duplicates, 0);
    expect({ stored, duplicates }).toEqual({ stored: 1_000, duplicates: 600 });
    const again = await store.ticks.append(batch);
    expect(again).toEqual({ stored: 0, duplicates: 500, rejected: [] });
    const other = await store.ticks.append([{ ...batch[0]!, price: 99 }]);
    expect(other.stored).toBe(1);
  });

  it('announces only what was stored', async () => {
    await store.ticks.append([tick('DUP', 0, 1, 'a')]);
    const announced: string[] = [];
    const off = store.bus.on('ticks.stored', ({ ticks }) =>
      announced.push(...ticks.map((t) => t.sourceId ?? '')),
    );
    await store.ticks.append([tick('DUP', 0, 1, 'a'), tick('DUP', 1, 1, 'b')]);
    off();
    expect(announced).toEqual(['b']);
  });

  it('stores historic ticks of any year, making what holds them', async () => {
    const years = [1970, 1999, 2000, 2013, 2025];
    const result = await store.ticks.append(
      years.map((y) => ({ symbol: 'OLD', tsMs: Date.UTC(y, 6, 1), price: y, size: null, sourceId: null })),
    );
    expect(result.stored).toBe(years.length);
    const page = await store.tickRepository.page({ symbol: 'OLD' });
    expect(page.ticks.map((t) => t.price)).toEqual(years);
  });

  it('refuses rows outside the time it keeps by themselves, with their index', async () => {
    const result = await store.ticks.append([
      tick('EDGE', 0, 1),
      { ...tick('EDGE', 0, 2), tsMs: -1 },
      tick('EDGE', 1, 3),
      { ...tick('EDGE', 0, 4), tsMs: t0 * 1000 },
    ]);
    expect(result.stored).toBe(2);
    expect(result.rejected.map(({ index, code }) => [index, code])).toEqual([
      [1, 'TIMESTAMP_TOO_OLD'],
      [3, 'TIMESTAMP_TOO_FAR_AHEAD'],
    ]);
  });

  it('keeps the rest of a batch when the database refuses a row, and keeps the row for inspection', async () => {
    const points = Array.from({ length: 100 }, (_, i) => ({
      portfolioId: 'BAD',
      metricType: 'value',
      value: i,
      tsMs: t0 + i,
      metadata: i === 37 ? '{"a":"\\u0000"}' : i === 80 ? '{not json' : null,
    }));
    const result = await store.points.append(points);
    expect(result.stored).toBe(98);
    expect(result.rejected.map((r) => r.index)).toEqual([37, 80]);
    expect(result.rejected[0]?.code).toBe('DATABASE_REFUSED');
    const { rows } = await store.database.reader.query(
      'SELECT writer, sqlstate, row::json AS row FROM dead_letters ORDER BY id',
    );
    expect(rows).toEqual([
      { writer: 'analytics_metrics', sqlstate: '22P05', row: points[37] },
      { writer: 'analytics_metrics', sqlstate: '22P02', row: points[80] },
    ]);
  });

  it('pages through ticks of one microsecond without losing or repeating one', async () => {
    const same = Array.from({ length: 25 }, (_, i) => tick('SAME', i < 20 ? 0.001 : 1, i));
    await store.ticks.append(same);
    const seen: number[] = [];
    let cursor: string | null | undefined;
    let pages = 0;
    do {
      const page = await store.tickRepository.page({
        symbol: 'SAME',
        limit: 4,
        ...(cursor ? { cursor } : {}),
      });
      seen.push(...page.ticks.map((t) => t.price));
      cursor = page.nextCursor;
      pages++;
    } while (cursor !== null);
    expect(seen).toEqual(same.map((t) => t.price));
    expect(pages).toBe(7);
  });

  it('replays in batches of bounded size, also behind the hole that a crash has left', async () => {
    const url = await branch.freshDatabase();
    // What the first process had reserved and not used stays a hole.
    const crashed = await openStore(url);
    await crashed.ticks.append([tick('HOLE', 0, 1)]);
    await crashed.close(false);
    const next = await openStore(url);
    const rows = Array.from({ length: 40_000 }, (_, i) => tick('HOLE', 1 + i, 1));
    for (let i = 0; i < 3; i++) await next.ticks.append(rows);
    const batches: number[] = [];
    const seqs: number[] = [];
    for await (const batch of next.tickRepository.replay({ fromSeq: 1 })) {
      batches.push(batch.length);
      for (const { seq } of batch) seqs.push(seq);
    }
    await next.close();
    expect(seqs).toHaveLength(120_001);
    expect(seqs[1]! - seqs[0]!).toBeGreaterThan(900_000);
    expect(seqs.every((seq, i) => i === 0 || seq > seqs[i - 1]!)).toBe(true);
    expect(Math.max(...batches)).toBeLessThanOrEqual(50_000);
  });

  it('knows the newest price of every symbol, now and at a point of the order', async () => {
    await store.ticks.append([tick('LAST', 10, 1), tick('LAST', 20, 2), tick('LAST', 15, 3)]);
    const find = async (before?: number) =>
      (await store.tickRepository.lastPrices(before)).find((p) => p.symbol === 'LAST');
    const newest = await find();
    expect(newest?.price).toBe(2);
    expect((await find(newest!.seq))?.price).toBe(1);
    await store.ticks.flushLatest();
    expect(await find()).toEqual(newest);
  });
});
