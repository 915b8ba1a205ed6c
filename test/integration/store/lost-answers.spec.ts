import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import type { MetricPoint } from '../../../src/domain/metric-point.js';
import type { StoredTick, Tick } from '../../../src/domain/tick.js';
import { type CuttableProxy, cuttableProxy } from '../../harness/cuttable-proxy.js';
import { postgres } from '../../harness/servers.js';
import { openStore, type TestStore } from '../../harness/store.js';

/** What PostgreSQL answers when a commit is done: its command tag. */
const committed = 'COMMIT\0';
const t0 = Date.UTC(2026, 0, 5, 14, 30);

const ticks = (symbol: string, prices: readonly number[], identified = false): Tick[] =>
  prices.map((price, i) => ({
    symbol,
    tsMs: t0 + i,
    price,
    size: null,
    sourceId: identified ? `${symbol}${i}` : null,
  }));

/** Every 10th is refused by the database: its metadata is no JSON. */
const points = (portfolioId: string, count: number): MetricPoint[] =>
  Array.from({ length: count }, (_, i) => ({
    portfolioId,
    metricType: i % 10 === 3 ? `refused${i}` : 'value',
    value: i,
    tsMs: t0 + i,
    metadata: i % 10 === 3 ? '{not json' : null,
  }));

describe('a batch whose connection is cut between COMMIT and its answer', () => {
  let proxy: CuttableProxy;
  let store: TestStore;
  /** Tells senders soon to repeat. */
  let impatient: TestStore;
  /** Past the proxy. */
  let direct: string;
  let announced: StoredTick[] = [];

  beforeAll(async () => {
    direct = await postgres().freshDatabase();
    const url = new URL(direct);
    proxy = await cuttableProxy(Number(url.port));
    url.hostname = '127.0.0.1';
    url.port = String(proxy.port);
    store = await openStore(url.href);
    // What no validation of ours refuses: a rule that somebody has put on the table.
    await store.database.writer.query(
      'ALTER TABLE ticks ADD CONSTRAINT price_is_possible CHECK (price < 1000000)',
    );
    impatient = await openStore(url.href, {}, { ackTimeoutMs: 1_000 });
    for (const each of [store, impatient]) {
      each.bus.on('ticks.stored', (event) => announced.push(...event.ticks));
      // Partitions and numbers are there: the next commit is that of the batch.
      await each.ticks.append(ticks('WARM', [1]));
    }
    await store.points.append(points('WARM', 1));
  }, 60_000);
  afterAll(async () => {
    await store.close();
    await impatient.close();
    await proxy.stop();
  });
  beforeEach(() => {
    announced = [];
  });

  const stored = async (symbol: string): Promise<number[]> =>
    (await store.tickRepository.page({ symbol })).ticks.map((tick) => tick.seq);
  const deadLetters = async (writer: string): Promise<number> => {
    const { rows } = await store.database.reader.query<{ n: number }>(
      'SELECT count(*)::int AS n FROM dead_letters WHERE writer = $1',
      [writer],
    );
    return rows[0]?.n ?? 0;
  };
  const counted = (name: string, writer: string, of = store): number =>
    of.metrics
      .read(name)
      .filter(({ labels }) => labels.writer === writer)
      .reduce((sum, { value }) => sum + value, 0);
  const counts = (writer: string, of = store) => ({
    rows: counted('tidewatch_store_writer_rows_total', writer, of),
    duplicates: counted('tidewatch_store_writer_duplicate_rows_total', writer, of),
    deadLetters: counted('tidewatch_store_writer_dead_letters_total', writer, of),
  });

  it('is stored and announced once', async () => {
    const lost = proxy.loseAnswer(committed);
    const result = await store.ticks.append(ticks('ONCE', [1, 2, 3]));
    await lost;
    expect(result).toEqual({ stored: 3, duplicates: 0, rejected: [] });
    expect(announced.map(({ seq }) => seq)).toEqual(await stored('ONCE'));
    expect(announced).toHaveLength(3);
  });

  it('says which rows were refused, and announces the others once', async () => {
    const before = counts('ticks');
    const lost = proxy.loseAnswer(committed);
    const result = await store.ticks.append(ticks('PART', [1, 2e6, 3, 4, 5e6]));
    await lost;
    expect(result.stored).toBe(3);
    expect(result.duplicates).toBe(0);
    expect(result.rejected.map(({ index, code, message }) => [index, code, message.slice(0, 6)])).toEqual([
      [1, 'DATABASE_REFUSED', '23514:'],
      [4, 'DATABASE_REFUSED', '23514:'],
    ]);
    expect(announced.map(({ price }) => price)).toEqual([1, 3, 4]);
    expect(announced.map(({ seq }) => seq)).toEqual(await stored('PART'));
    expect(await deadLetters('ticks')).toBe(2);
    expect(counts('ticks')).toEqual({
      rows: before.rows + 3,
      duplicates: before.duplicates,
      deadLetters: before.deadLetters + 2,
    });
  });

  it('does so too in a table without numbers, and names no series that has no row', async () => {
    const before = counts('analytics_metrics');
    const lost = proxy.loseAnswer(committed);
    const result = await store.points.append(points('MIXED', 50));
    await lost;
    expect(result.stored).toBe(45);
    expect(result.rejected.map(({ index }) => index)).toEqual([3, 13, 23, 33, 43]);
    expect(counts('analytics_metrics')).toEqual({
      rows: before.rows + 45,
      duplicates: before.duplicates,
      deadLetters: before.deadLetters + 5,
    });
    await store.points.flushLatest();
    const { rows } = await store.database.reader.query(
      `SELECT metric_type, value FROM latest_metrics WHERE portfolio_id = 'MIXED'`,
    );
    expect(rows).toEqual([{ metric_type: 'value', value: 49 }]);
  });

  it('is told apart from duplicates', async () => {
    await store.ticks.append(ticks('TWICE', [1, 2], true));
    announced = [];
    const lost = proxy.loseAnswer(committed);
    const result = await store.ticks.append(ticks('TWICE', [1, 2, 3], true));
    await lost;
    expect(result).toEqual({ stored: 1, duplicates: 2, rejected: [] });
    expect(announced.map(({ price }) => price)).toEqual([3]);
  });

  it('is announced without the refused rows also when its sender has been told to repeat', async () => {
    const before = counts('ticks', impatient);
    const lost = proxy.loseAnswer(committed).then(() => proxy.away(true));
    const append = impatient.ticks.append(ticks('LATE', [1, 2e6, 3]));
    await expect(append).rejects.toMatchObject({ code: 'DATABASE_UNAVAILABLE' });
    await lost;
    expect(announced).toEqual([]);
    proxy.away(false);
    while (announced.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(announced.map(({ price }) => price)).toEqual([1, 3]);
    expect(counts('ticks', impatient)).toMatchObject({
      rows: before.rows + 2,
      deadLetters: before.deadLetters + 1,
    });
    expect(announced.map(({ seq }) => seq)).toEqual(await stored('LATE'));
  });

  it('is announced also after an outage that its marker did not outlive', async () => {
    const lost = proxy.loseAnswer(committed).then(() => proxy.away(true));
    const append = impatient.ticks.append(ticks('LONG', [1, 2]));
    await expect(append).rejects.toMatchObject({ code: 'DATABASE_UNAVAILABLE' });
    await lost;
    const other = new pg.Client({ connectionString: direct });
    await other.connect();
    await other.query('DELETE FROM write_batches');
    await other.end();
    proxy.away(false);
    while (announced.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(announced.map(({ price }) => price)).toEqual([1, 2]);
    expect(announced.map(({ seq }) => seq)).toEqual(await stored('LONG'));
  });
});
