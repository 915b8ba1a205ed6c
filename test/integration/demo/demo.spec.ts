import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { pricesOfDay } from '../../../src/demo/demo-market.js';
import { epochDay, readMarketDays } from '../../../src/demo/market-data.js';
import { BarRepository } from '../../../src/store/bar.repository.js';
import { Database } from '../../../src/store/database.js';
import { postgres, startApp, type TestApp } from '../../harness/index.js';

const apps: TestApp[] = [];
const folders: string[] = [];

afterEach(async () => {
  for (const app of apps.splice(0)) await app.stop();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

async function start(databaseUrl: string, folder: string, daySeconds: number): Promise<TestApp> {
  const app = await startApp({
    DEMO: 'on',
    DEMO_DAY_SECONDS: String(daySeconds),
    DATABASE_URL: databaseUrl,
    DATA_DIR: folder,
  });
  apps.push(app);
  return app;
}

async function until(fits: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!(await fits())) {
    if (Date.now() > deadline) throw new Error('it did not happen within 10 s');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

interface Tick {
  price: number;
  at: number;
}

const ticksOf = async (app: TestApp, symbol: string): Promise<Tick[]> =>
  (
    await app.app
      .get(Database)
      .reader.query<Tick>(
        'SELECT price, (extract(epoch FROM ts) * 1000)::float8 AS at FROM ticks WHERE symbol = $1 ORDER BY seq',
        [symbol],
      )
  ).rows;

describe('the demo', () => {
  it('replays real days through ingest, with real history before them', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tidewatch-demo-'));
    folders.push(folder);
    const began = Date.now();
    const app = await start(await postgres().freshDatabase(), folder, 1);
    const days = readMarketDays();
    const first = days.findIndex((day) => day.date === '2016-06-20');

    const portfolio = await fetch(`${app.baseUrl}/api/v1/portfolios/PORTFOLIO_001`);
    expect(portfolio.status).toBe(200);

    const limits = async () => {
      const answer = await fetch(`${app.baseUrl}/api/v1/risk/portfolio/PORTFOLIO_004/limits`);
      return ((await answer.json()) as { items: { limit_type: string; status: string }[] }).items;
    };
    expect((await limits()).map((limit) => limit.limit_type).sort()).toEqual(['gross_exposure', 'var']);
    await until(async () => (await limits()).some((limit) => limit.status === 'breach'));

    const bars = app.app.get(BarRepository);
    const history = await bars.closes(['AAPL'], { toDay: epochDay('2016-06-17') });
    expect(history[0]?.closes).toHaveLength(first);
    expect(history[0]?.closes.at(-1)).toBe(days[first - 1]?.bars.AAPL?.adjustedClose);

    await until(async () => (await bars.closes(['SPX']))[0]!.days.length > first);
    const { open, high, low, close } = days[first]!.bars.SPX!;
    const ticks = (await ticksOf(app, 'SPX')).slice(0, 10);
    const prices = ticks.map((tick) => tick.price);
    expect([prices[0], Math.max(...prices), Math.min(...prices), prices[9]]).toEqual([
      open,
      high,
      low,
      close,
    ]);
    for (const { at } of ticks) {
      expect(at).toBeGreaterThanOrEqual(began);
      expect(at).toBeLessThanOrEqual(Date.now());
    }
  });

  it('goes on where it was after a restart, and leaves changed portfolios alone', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tidewatch-demo-'));
    folders.push(folder);
    const url = await postgres().freshDatabase();
    const app = await start(url, folder, 3_600);
    await until(async () => (await ticksOf(app, 'AAPL')).length > 3);
    const changed = { name: 'Mine', currency: 'USD', positions: [{ symbol: 'AAPL', quantity: 1 }] };
    await fetch(`${app.baseUrl}/api/v1/portfolios/PORTFOLIO_002`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(changed),
    });
    await app.stop();
    apps.length = 0;

    const again = await start(url, folder, 3_600);
    const before = (await ticksOf(again, 'AAPL')).length;
    await until(async () => (await ticksOf(again, 'AAPL')).length > before + 3);
    const prices = (await ticksOf(again, 'AAPL')).map((tick) => tick.price);
    const day = readMarketDays().find(({ date }) => date === '2016-06-20')!;
    expect(prices).toEqual([...pricesOfDay(day, 36_000).get('AAPL')!.subarray(0, prices.length)]);
    const portfolio = (await (
      await fetch(`${again.baseUrl}/api/v1/portfolios/PORTFOLIO_002`)
    ).json()) as object;
    expect(portfolio).toMatchObject({ name: 'Mine' });
  });
});
