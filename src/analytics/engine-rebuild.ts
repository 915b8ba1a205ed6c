import type { Portfolio } from '../domain/portfolio.js';
import type { StoredTick } from '../domain/tick.js';
import type { PortfolioRepository, PositionChange } from '../store/portfolio.repository.js';
import type { TickRepository } from '../store/tick.repository.js';
import type { AnalyticsEngine } from './analytics-engine.js';
import { findBeginnings, WindowNeed } from './window-need.js';

/** The end of the order is read whole: the table of newest prices, which knows the others, may be behind. */
const tailSpan = 50_000;
export interface RebuildSource {
  readonly ticks: Pick<TickRepository, 'endOfOrder' | 'symbolCounts' | 'lastPrices' | 'replay'>;
  readonly portfolios: Pick<PortfolioRepository, 'all' | 'asOf' | 'changedSymbols' | 'positionChanges'>;
}

export interface Rebuilt {
  readonly fromSeq: number;
  readonly toSeq: number;
  readonly ticks: number;
  readonly changes: number;
  readonly portfolios: number;
  readonly ms: number;
}

/**
 * Brings a new engine to the state that the store describes: prices and positions as of a point of the order, then
 * the ticks and changes of positions after it, in order. Reads of each symbol only what the windows of its holders need:
 * a portfolio that stopped moving long ago costs its own ticks, not everybody's since. The state is then that of an
 * engine that never stopped.
 */
export async function rebuildEngine(engine: AnalyticsEngine, source: RebuildSource): Promise<Rebuilt> {
  const started = performance.now();
  const toSeq = await source.ticks.endOfOrder();
  const portfolios = await source.portfolios.all();
  const need = new WindowNeed(portfolios, engine.budget);
  await findBeginnings(need, toSeq, source);
  const plan = await planOf(need, portfolios, toSeq, engine, source.portfolios);
  engine.setQuiet(true);
  try {
    const prices = [...(await source.ticks.lastPrices(plan.tailSeq, plan.symbols))];
    for (const price of prices.sort((a, b) => a.seq - b.seq)) engine.loadPrice(price);
    for (const portfolio of plan.atBeginning) engine.applyChange({ kind: 'put', portfolio });
    engine.lastSeq = prices.at(-1)?.seq ?? 0;
    const applied = await replay(engine, source, plan, toSeq);
    return {
      fromSeq: plan.fromSeq,
      toSeq,
      ...applied,
      portfolios: engine.portfolioCount,
      ms: performance.now() - started,
    };
  } finally {
    engine.setQuiet(false);
  }
}

/** What is read of the total order, and what is known at its beginning. */
interface ReplayPlan {
  /** The least of all beginnings. */
  readonly fromSeq: number;
  /** From here on every symbol is read. */
  readonly tailSeq: number;
  /** Where the reading of a symbol begins, for those that begin before the tail. */
  readonly symbols: ReadonlyMap<string, number>;
  /** Portfolios as of their beginnings. */
  readonly atBeginning: readonly Portfolio[];
  /** Portfolios whose positions are since their beginning what they are now: their earlier changes do not matter. */
  readonly settled: ReadonlySet<string>;
}

async function planOf(
  need: WindowNeed,
  portfolios: readonly Portfolio[],
  toSeq: number,
  engine: AnalyticsEngine,
  source: RebuildSource['portfolios'],
): Promise<ReplayPlan> {
  const fromSeq = Math.min(toSeq, ...need.beginnings.values());
  const symbols = new Map<string, number>();
  const readFrom = (symbol: string, seq: number): void => {
    symbols.set(symbol, Math.min(seq, symbols.get(symbol) ?? seq));
  };
  const settled = new Map<string, Portfolio>();
  for (const portfolio of portfolios) {
    const from = need.beginnings.get(portfolio.id) ?? fromSeq;
    const isSettled = portfolio.revision < from;
    if (isSettled) settled.set(portfolio.id, portfolio);
    for (const { symbol } of portfolio.positions) readFrom(symbol, isSettled ? from : fromSeq);
  }
  const others = (await source.asOf(fromSeq)).filter(({ id }) => !settled.has(id));
  for (const { positions } of others) for (const { symbol } of positions) readFrom(symbol, fromSeq);
  const changed = await source.changedSymbols({ fromSeq, toSeq, except: [...settled.keys()] });
  for (const symbol of changed) readFrom(symbol, fromSeq);
  // Any portfolio may depend on an exchange rate.
  for (const symbol of need.symbols) if (engine.prices.isRate(symbol)) readFrom(symbol, fromSeq);
  const tailSeq = Math.max(fromSeq, toSeq - tailSpan);
  for (const [symbol, seq] of symbols) if (seq >= tailSeq) symbols.delete(symbol);
  return {
    fromSeq,
    tailSeq,
    symbols,
    atBeginning: [...others, ...settled.values()],
    settled: new Set(settled.keys()),
  };
}

/** Ticks of the plan, in order: each symbol from where it begins. */
async function* ticksOf(
  ticks: RebuildSource['ticks'],
  { tailSeq, symbols }: ReplayPlan,
  toSeq: number,
): AsyncGenerator<readonly StoredTick[]> {
  const bounds = [...new Set(symbols.values())].sort((a, b) => a - b);
  for (const [i, fromSeq] of bounds.entries()) {
    const wanted = [...symbols].filter(([, seq]) => seq <= fromSeq).map(([symbol]) => symbol);
    yield* ticks.replay({ fromSeq, toSeq: bounds[i + 1] ?? tailSeq, symbols: wanted });
  }
  yield* ticks.replay({ fromSeq: tailSeq, toSeq });
}

async function replay(
  engine: AnalyticsEngine,
  { ticks, portfolios }: RebuildSource,
  plan: ReplayPlan,
  toSeq: number,
): Promise<{ ticks: number; changes: number }> {
  const changes = flattened(portfolios.positionChanges({ fromSeq: plan.fromSeq, toSeq }));
  let change = await changes.next();
  let tickCount = 0;
  let changeCount = 0;
  const changesBefore = async (seq: number): Promise<void> => {
    while (!change.done && change.value.seq < seq) {
      if (!plan.settled.has(change.value.portfolio.id)) {
        engine.applyChange(change.value);
        changeCount++;
      }
      change = await changes.next();
    }
  };
  const nextChange = (): number => (change.done ? Number.POSITIVE_INFINITY : change.value.seq);
  for await (const batch of readAhead(ticksOf(ticks, plan, toSeq))) {
    for (const tick of batch as readonly StoredTick[]) {
      if (nextChange() < tick.seq) await changesBefore(tick.seq);
      engine.applyTick(tick);
    }
    tickCount += batch.length;
  }
  await changesBefore(Number.POSITIVE_INFINITY);
  return { ticks: tickCount, changes: changeCount };
}

/** Asks for the next batch before the last one is worked on: the database reads while the engine applies. */
async function* readAhead<T>(batches: AsyncIterable<T>): AsyncGenerator<T, undefined> {
  const source = batches[Symbol.asyncIterator]();
  let next = source.next();
  for (;;) {
    const { done, value } = await next;
    if (done) return undefined;
    next = source.next();
    // A failure is seen when its turn comes, not as a rejection that nobody waits for.
    next.catch(() => undefined);
    yield value;
  }
}

async function* flattened(
  batches: AsyncIterable<readonly PositionChange[]>,
): AsyncGenerator<PositionChange, undefined> {
  for await (const batch of batches) yield* batch;
  return undefined;
}
