import { afterEach, describe, expect, it } from '@jest/globals';
import { Logger } from '../../../src/observability/logger.js';
import { PartitionRepository } from '../../../src/store/partitions/partition.repository.js';
import { PartitionService } from '../../../src/store/partitions/partition.service.js';
import { postgres } from '../../harness/index.js';
import { openStore, type TestStore } from '../../harness/store.js';

const day = 86_400_000;
const log = Logger.silent().child('test');

describe('native partitions', () => {
  const stores: TestStore[] = [];
  const open = async (settings: Parameters<typeof openStore>[1] = {}, url?: string): Promise<TestStore> => {
    const store = await openStore(url ?? (await postgres().freshDatabase()), settings);
    stores.push(store);
    return store;
  };
  afterEach(async () => {
    await Promise.all(stores.splice(0).map((s) => s.close()));
  });

  it('are ready ahead of the clock in every table', async () => {
    const store = await open({ TICK_RETENTION_DAYS: '5' });
    for (const { table, ahead } of store.partitions!.status()) {
      expect({ table, ahead: ahead >= 3 }).toEqual({ table, ahead: true });
    }
  });

  it('stay few however far back the ticks go', async () => {
    const store = await open();
    const start = Date.UTC(2013, 0, 1);
    const ticks = Array.from({ length: 5_000 }, (_, i) => ({
      symbol: 'SPY',
      tsMs: start + i * day * 0.95,
      price: 1,
      size: null,
      sourceId: null,
    }));
    expect((await store.ticks.append(ticks)).stored).toBe(5_000);
    const status = store.partitions!.status().find((s) => s.table === 'ticks')!;
    expect(status.partitions).toBeLessThanOrEqual(170);
    const oldest = (await store.tickRepository.page({ symbol: 'SPY', limit: 1 })).ticks[0];
    expect(oldest?.tsMs).toBe(start);
  }, 60_000);

  it('are made once when several processes need the same one at the same moment', async () => {
    const first = await open();
    const second = await open({}, first.url);
    const tick = { symbol: 'A', tsMs: Date.UTC(2001, 4, 9), price: 1, size: null, sourceId: null };
    const results = await Promise.all(
      [first, second, first, second].map((s, i) =>
        s.ticks.append([{ ...tick, tsMs: tick.tsMs + i * 40 * day }]),
      ),
    );
    expect(results.map((r) => r.stored)).toEqual([1, 1, 1, 1]);
  });

  it('that another process has dropped are made again when a row needs them', async () => {
    const store = await open();
    const tick = { symbol: 'A', tsMs: Date.UTC(2001, 4, 9), price: 1, size: null, sourceId: null };
    await store.ticks.append([tick]);
    await store.database.maintenance.query('DROP TABLE ticks_p20010501');
    expect((await store.ticks.append([tick])).stored).toBe(1);
  });

  it('are made and dropped while readers and writers hold transactions open', async () => {
    const store = await open();
    await store.database.reader.transaction(async (reader) => {
      await reader.query('SELECT count(*) FROM ticks');
      const tick = { symbol: 'A', tsMs: Date.UTC(1999, 0, 9), price: 1, size: null, sourceId: null };
      expect((await store.ticks.append([tick])).stored).toBe(1);
    });
  });

  it('beyond the retention go as a whole, their rows are refused at the door, and the roll-ups stay', async () => {
    const url = await postgres().freshDatabase();
    const before = await open({}, url);
    const now = Date.now();
    const at = (daysAgo: number) => ({
      symbol: 'A',
      tsMs: now - daysAgo * day,
      price: 1,
      size: null,
      sourceId: null,
    });
    const point = (daysAgo: number) => ({
      portfolioId: 'P',
      metricType: 'value',
      value: daysAgo,
      tsMs: now - daysAgo * day,
      metadata: null,
    });
    await before.ticks.append([at(0), at(1), at(200)]);
    await before.points.append([point(0.01), point(1), point(200)]);
    await before.rollups.refresh();
    await before.close();
    stores.length = 0;

    const store = await open({ TICK_RETENTION_DAYS: '100', METRIC_RETENTION_DAYS: '100' }, url);
    const dropped = await store.partitions!.applyRetention();
    expect(dropped.some((name) => name.startsWith('ticks_p'))).toBe(true);
    expect(dropped.some((name) => name.startsWith('analytics_metrics_p'))).toBe(true);
    expect(await store.countTicks()).toBe(2);
    const refused = await store.ticks.append([at(200), at(0)]);
    expect(refused.rejected.map((r) => r.code)).toEqual(['TIMESTAMP_TOO_OLD']);
    const history = await store.history.page({
      portfolioIds: ['P'],
      fromMs: now - 300 * day,
      toMs: now + day,
      resolution: { widthMs: day },
    });
    expect(JSON.parse(history.series[0]!.bucketsJson)).toHaveLength(3);
    expect((await store.rollups.checkTruth(20)).mismatches).toEqual([]);
  });

  it('finishes a detachment that was interrupted', async () => {
    const store = await open();
    const { maintenance, retention } = store.database;
    await store.ticks.append([
      { symbol: 'A', tsMs: Date.UTC(1999, 0, 9), price: 1, size: null, sourceId: null },
    ]);
    // A reader makes the second half of the detachment wait for longer than the statement may.
    await store.database.reader.transaction(async (reader) => {
      await reader.query('SELECT FROM ticks WHERE symbol = $1', ['A']);
      await maintenance.use(async (client) => {
        await client.query("SET statement_timeout = '200ms'");
        await expect(
          client.query('ALTER TABLE ticks DETACH PARTITION ticks_p19990101 CONCURRENTLY'),
        ).rejects.toThrow();
        await client.query('RESET statement_timeout');
      });
    });
    const service = new PartitionService(
      new PartitionRepository(maintenance),
      { ...retention, ticks: 10_000 },
      log,
    );
    await service.start();
    expect(await service.applyRetention()).toEqual(['ticks_p19990101']);
  });

  it('keep to a rule of their own when the retention has changed', async () => {
    const url = await postgres().freshDatabase();
    const monthly = await open({}, url);
    await monthly.close();
    stores.length = 0;
    const daily = await open({ TICK_RETENTION_DAYS: '5' }, url);
    const tick = { symbol: 'A', tsMs: Date.now() + 200 * day, price: 1, size: null, sourceId: null };
    expect((await daily.ticks.append([tick, { ...tick, tsMs: Date.now() }])).stored).toBe(2);
  });
});
