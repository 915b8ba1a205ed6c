import { afterEach, describe, expect, it } from '@jest/globals';
import { AnalyticsEngine } from '../../../src/analytics/analytics-engine.js';
import { CalculatorRegistry } from '../../../src/analytics/calculators/calculator-registry.js';
import { CalculatorRunner } from '../../../src/analytics/calculators/calculator-runner.js';
import { rangePosition } from '../../../src/analytics/calculators/range-position.calculator.js';
import { realisedVolatility } from '../../../src/analytics/calculators/realised-volatility.calculator.js';
import { turnover } from '../../../src/analytics/calculators/turnover.calculator.js';
import { EngineFeed } from '../../../src/analytics/engine-feed.js';
import { rebuildEngine } from '../../../src/analytics/engine-rebuild.js';
import { summaryOf } from '../../../src/analytics/summary.js';
import { SymbolCurrencies } from '../../../src/analytics/symbol-currencies.js';
import { WindowBudget } from '../../../src/analytics/window-budget.js';
import { Metrics } from '../../../src/observability/metrics.js';
import { seededTicks } from '../../factories/ticks.js';
import { openStore, storeBranches, type TestStore } from '../../harness/store.js';

const nowMs = Date.UTC(2026, 5, 1);
const registry = new CalculatorRegistry([realisedVolatility, turnover, rangePosition]);

/** Every summary of an engine, calculators included, as the JSON that clients get. */
function summaries(engine: AnalyticsEngine): Record<string, string> {
  const calculators = new CalculatorRunner(registry, new Metrics(), () => {});
  const all: Record<string, string> = {};
  for (const state of engine.allStates()) {
    all[state.id] = JSON.stringify(summaryOf(engine, state, calculators.fresh(state), nowMs));
  }
  return Object.fromEntries(Object.entries(all).sort());
}

const makeEngine = (bytes = 2 ** 30): AnalyticsEngine =>
  new AnalyticsEngine(new WindowBudget(bytes), new SymbolCurrencies('USD', 'SAP=EUR'));

/** An engine that follows a store as the server's does. */
function follow(store: TestStore, bytes?: number): { engine: AnalyticsEngine; feed: EngineFeed } {
  const engine = makeEngine(bytes);
  const feed = new EngineFeed(engine, { applied: () => engine.takeChanged() });
  store.bus.on('ticks.stored', (ticks) => feed.addTicks(ticks));
  store.bus.on('portfolio.changed', (change) => feed.addChange(change));
  return { engine, feed };
}

const source = (store: TestStore) => ({ ticks: store.tickRepository, portfolios: store.portfolios });
const settled = (feed: EngineFeed): void => {
  while (!feed.catchUp(1_000));
};

const symbols = ['AAA', 'BBB', 'CCC', 'SAP', 'EURUSD', 'GBPUSD'];
const book = (id: string, held: readonly string[], currency = 'USD', scale = 1) => ({
  id,
  name: id,
  currency,
  positions: held.map((symbol, i) => ({ symbol, quantity: (i % 2 === 0 ? 10 : -3.7) * scale })),
});

/** Trading with everything that can happen to a book, in parallel as a server would see it. */
async function trade(store: TestStore, rounds: number, seed: number): Promise<void> {
  const market = seededTicks({ symbols, count: rounds * 500, seed });
  for (let round = 0; round < rounds; round++) {
    const ticks = market.slice(round * 500, (round + 1) * 500).map((tick, i) => ({
      ...tick,
      // Sub-microsecond times, and now and then a tick that comes late.
      tsMs: tick.tsMs + 0.000_4 - (i % 41 === 0 ? 30_000 : 0),
    }));
    await Promise.all([
      store.ticks.append(ticks.slice(0, 250)),
      store.ticks.append(ticks.slice(250)),
      round % 5 === 1
        ? store.portfolios.put(book('MOVES', symbols.slice(0, 1 + (round % 6)), 'USD', round))
        : null,
      round % 7 === 2
        ? store.portfolios.applyTrades('TRADES', [
            {
              id: `T${seed}-${round}`,
              tsMs: 0,
              symbol: 'BBB',
              side: round % 2 ? 'buy' : 'sell',
              quantity: 0.1,
              price: 1,
            },
          ])
        : null,
      round === 12 ? store.portfolios.put(book('TURNS', ['AAA'], 'EUR')) : null,
      round === 20 ? store.portfolios.delete('GOES') : null,
    ]);
  }
}

async function createBooks(store: TestStore): Promise<void> {
  for (const one of [
    book('PLAIN', ['AAA', 'BBB']),
    book('EURO', ['AAA', 'SAP', 'CCC'], 'EUR'),
    book('POUND', ['SAP', 'BBB'], 'GBP'),
    book('TRADES', ['BBB', 'CCC']),
    book('MOVES', ['AAA']),
    book('TURNS', ['AAA']),
    book('GOES', ['AAA']),
    book('EMPTY', []),
    book('UNPRICED', ['AAA', 'NEVER']),
  ]) {
    await store.portfolios.put(one);
  }
}

const opened: TestStore[] = [];
afterEach(async () => {
  for (const store of opened.splice(0)) await store.close();
});

describe.each(storeBranches())('engine rebuilt from the store ($dialect)', (branch) => {
  it('has the same summaries, bit for bit, as the engine that never stopped', async () => {
    const store = await openStore(await branch.freshDatabase());
    opened.push(store);
    const live = follow(store);
    await createBooks(store);
    await trade(store, 30, 1);
    settled(live.feed);
    const rebuilt = makeEngine();
    const { ticks, portfolios } = await rebuildEngine(rebuilt, source(store));
    expect([ticks, portfolios]).toEqual([15_000, 8]);
    expect(summaries(rebuilt)).toEqual(summaries(live.engine));
    expect(live.engine.counts.late).toBeGreaterThan(100);
    const { window } = rebuilt.state('PLAIN')!;
    expect(window.size).toBeGreaterThan(4_000);
    expect(rebuilt.state('UNPRICED')!.window.size).toBe(0);
  });

  it('reads only what the windows need, and still has the same bits', async () => {
    const store = await openStore(await branch.freshDatabase());
    opened.push(store);
    const live = follow(store);
    await store.portfolios.put(book('PLAIN', symbols));
    await store.portfolios.put(book('EURO', symbols, 'EUR'));
    // A million numbers are reserved at a time; the search for the beginning has to find its way through the holes.
    for (let seed = 1; seed <= 3; seed++) {
      const ticks = seededTicks({ symbols, count: 40_000, seed, startMs: Date.UTC(2026, 0, seed) });
      for (let i = 0; i < ticks.length; i += 10_000) await store.ticks.append(ticks.slice(i, i + 10_000));
    }
    settled(live.feed);
    const rebuilt = makeEngine();
    const done = await rebuildEngine(rebuilt, source(store));
    expect(done.ticks).toBeLessThan(120_000);
    expect(rebuilt.state('PLAIN')!.window.size).toBe(10_000);
    expect(summaries(rebuilt)).toEqual(summaries(live.engine));
  });

  it('reads the ticks of a portfolio that stopped moving, not those of everybody since, and has the same bits', async () => {
    const store = await openStore(await branch.freshDatabase());
    opened.push(store);
    const live = follow(store);
    await store.portfolios.put(book('STOPPED', ['OLD', 'SAP']));
    await store.portfolios.put(book('MOVING', ['AAA', 'BBB', 'SAP'], 'EUR'));
    const feed = async (names: readonly string[], count: number, seed: number): Promise<void> => {
      const ticks = seededTicks({ symbols: names, count, seed, startMs: Date.UTC(2026, 0, seed) });
      for (let i = 0; i < ticks.length; i += 10_000) await store.ticks.append(ticks.slice(i, i + 10_000));
    };
    await feed(['SAP', 'EURUSD'], 2_000, 1);
    await feed(['OLD', 'UNHELD'], 30_000, 2);
    await store.portfolios.put(book('RECENT', ['OLD', 'AAA']));
    await feed(['AAA', 'BBB', 'UNHELD', 'EURUSD'], 120_000, 3);
    await store.portfolios.applyTrades('MOVING', [
      { id: 'T1', tsMs: 0, symbol: 'AAA', side: 'sell', quantity: 2, price: 1 },
    ]);
    await feed(['AAA', 'BBB', 'UNHELD'], 60_000, 4);
    settled(live.feed);
    const rebuilt = makeEngine();
    const done = await rebuildEngine(rebuilt, source(store));
    expect(done.ticks).toBeLessThan(170_000);
    expect(rebuilt.state('STOPPED')!.window.size).toBe(10_000);
    expect(rebuilt.price('UNHELD')).toEqual(live.engine.price('UNHELD'));
    expect(summaries(rebuilt)).toEqual(summaries(live.engine));
  });

  it('goes back to what a portfolio held before: ticks of what it has bought since did not move it', async () => {
    const store = await openStore(await branch.freshDatabase());
    opened.push(store);
    const live = follow(store);
    await store.portfolios.put(book('SWITCHED', ['RARE']));
    await store.portfolios.put(book('CAME BACK', ['OFTEN']));
    const feed = async (names: readonly string[], count: number, seed: number): Promise<void> => {
      const ticks = seededTicks({ symbols: names, count, seed, startMs: Date.UTC(2026, 0, seed) });
      for (let i = 0; i < ticks.length; i += 10_000) await store.ticks.append(ticks.slice(i, i + 10_000));
    };
    const market = ['RARE', 'OFTEN', 'OFTEN', 'OFTEN', 'OFTEN', 'OFTEN', 'OFTEN', 'OFTEN', 'OFTEN', 'OFTEN'];
    await feed(['RARE', 'OFTEN'], 24_000, 1);
    await feed(market, 20_000, 2);
    await store.portfolios.put(book('CAME BACK', ['RARE']));
    await feed(market, 80_000, 3);
    await store.portfolios.put(book('CAME BACK', ['OFTEN']));
    await store.portfolios.put(book('SWITCHED', ['OFTEN']));
    await feed(market, 2_000, 4);
    settled(live.feed);
    expect(live.engine.state('SWITCHED')!.window.size).toBe(10_000);
    const rebuilt = makeEngine();
    await rebuildEngine(rebuilt, source(store));
    expect(rebuilt.state('SWITCHED')!.window.size).toBe(10_000);
    expect(summaries(rebuilt)).toEqual(summaries(live.engine));
  });

  it('goes back beyond history that was loaded later: late ticks move nothing and fill no window', async () => {
    const store = await openStore(await branch.freshDatabase());
    opened.push(store);
    const live = follow(store);
    await store.portfolios.put(book('PLAIN', ['AAA', 'BBB']));
    const feed = async (count: number, day: number): Promise<void> => {
      const startMs = Date.UTC(2026, 0, day);
      const ticks = seededTicks({ symbols: ['AAA', 'BBB'], count, seed: day, startMs });
      for (let i = 0; i < ticks.length; i += 10_000) await store.ticks.append(ticks.slice(i, i + 10_000));
    };
    await feed(30_000, 20);
    await feed(130_000, 1);
    await feed(2_000, 21);
    settled(live.feed);
    expect(live.engine.counts.late).toBe(130_000);
    const rebuilt = makeEngine();
    await rebuildEngine(rebuilt, source(store));
    expect(rebuilt.state('PLAIN')!.window.size).toBe(10_000);
    expect(summaries(rebuilt)).toEqual(summaries(live.engine));
  });

  it('reads less where memory keeps the windows shorter', async () => {
    const store = await openStore(await branch.freshDatabase());
    opened.push(store);
    const bytes = 80_000;
    const live = follow(store, bytes);
    await store.portfolios.put(book('PLAIN', symbols));
    await store.portfolios.put(book('EURO', symbols, 'EUR'));
    const ticks = seededTicks({ symbols, count: 40_000, seed: 5 });
    for (let i = 0; i < ticks.length; i += 10_000) await store.ticks.append(ticks.slice(i, i + 10_000));
    settled(live.feed);
    const rebuilt = makeEngine(bytes);
    const done = await rebuildEngine(rebuilt, source(store));
    // Windows of 10,000 points would need all 40,000.
    expect(done.ticks).toBeLessThan(25_000);
    expect(rebuilt.budget.level).toBe(live.engine.budget.level);
    expect(rebuilt.budget.level).toBeLessThan(2_000);
    expect(summaries(rebuilt)).toEqual(summaries(live.engine));
  });

  it('follows on from a rebuilt state as the uninterrupted engine does, over a crash that loses what was in memory', async () => {
    const url = await branch.freshDatabase();
    const first = await openStore(url);
    opened.push(first);
    await createBooks(first);
    await trade(first, 25, 3);
    // No farewell: what the first process knew beyond the database is gone, and so are its reserved numbers.
    const second = await openStore(url);
    opened.push(second);
    const after = follow(second);
    after.feed.hold();
    await rebuildEngine(after.engine, source(second));
    after.feed.release();
    await trade(second, 25, 4);
    settled(after.feed);
    const whole = makeEngine();
    await rebuildEngine(whole, source(second));
    expect(summaries(after.engine)).toEqual(summaries(whole));
  });
});
