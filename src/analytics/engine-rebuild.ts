import type { Portfolio } from '../domain/portfolio.js';
import type { StoredTick } from '../domain/tick.js';
import { blocksMargin } from '../kernel/stream-window.js';
import type { PortfolioRepository, PositionChange } from '../store/portfolio.repository.js';
import type { TickRepository } from '../store/tick.repository.js';
import type { AnalyticsEngine } from './analytics-engine.js';
import type { WindowBudget } from './window-budget.js';

/** Numbers of the total order that the search for the beginning looks at first. */
const firstSpan = 100_000;
/** Times that the last step of the search is halved. */
const narrowings = 4;
/** Ticks read at most. Windows that would need more begin with what that gives. */
export const maxReplayTicks = 3_000_000;

export interface RebuildSource {
  readonly ticks: Pick<TickRepository, 'endOfOrder' | 'symbolCounts' | 'lastPrices' | 'replay'>;
  readonly portfolios: Pick<PortfolioRepository, 'all' | 'asOf' | 'positionChanges'>;
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
 * every tick and change of positions after it, in order. Reads only as far back as the windows need; the state is then
 * that of an engine that never stopped.
 */
export async function rebuildEngine(engine: AnalyticsEngine, source: RebuildSource): Promise<Rebuilt> {
  const started = performance.now();
  const toSeq = await source.ticks.endOfOrder();
  const portfolios = await source.portfolios.all();
  const need = new WindowNeed(portfolios, engine.budget);
  const fromSeq = portfolios.length === 0 ? toSeq : await beginning(need, toSeq, source.ticks);
  engine.setQuiet(true);
  try {
    const prices = [...(await source.ticks.lastPrices(fromSeq))];
    for (const price of prices.sort((a, b) => a.seq - b.seq)) engine.loadPrice(price);
    for (const portfolio of await source.portfolios.asOf(fromSeq)) {
      engine.applyChange({ kind: 'put', portfolio });
    }
    const applied = await replay(engine, source, fromSeq, toSeq);
    return {
      fromSeq,
      toSeq,
      ...applied,
      portfolios: engine.portfolioCount,
      ms: performance.now() - started,
    };
  } finally {
    engine.setQuiet(false);
  }
}

/** Walks back in doubling steps until every portfolio has met the ticks that fill its window, then halves the last step. */
async function beginning(need: WindowNeed, end: number, ticks: RebuildSource['ticks']): Promise<number> {
  let from = end;
  for (let span = firstSpan; from > 1; span *= 2) {
    const next = Math.max(1, from - span);
    const counts = await ticks.symbolCounts(next, from);
    if (need.isMetBy(counts)) {
      return narrowed(need, next, from, ticks);
    }
    need.take(counts);
    from = next;
  }
  return from;
}

/** The last step may have been far too long: reserved numbers that were never used lie in it. */
async function narrowed(
  need: WindowNeed,
  enough: number,
  tooLittle: number,
  ticks: RebuildSource['ticks'],
): Promise<number> {
  let from = enough;
  let to = tooLittle;
  for (let i = 0; i < narrowings && to - from > 1_000; i++) {
    const middle = Math.floor((from + to) / 2);
    const counts = await ticks.symbolCounts(middle, to);
    if (need.isMetBy(counts)) from = middle;
    else {
      need.take(counts);
      to = middle;
    }
  }
  return from;
}

/** How many ticks each portfolio has met on the way back, and whether those are enough for its window. */
class WindowNeed {
  private readonly holders = new Map<string, number[]>();
  private readonly active: readonly boolean[];
  private seen: readonly number[];
  private read = 0;

  constructor(
    portfolios: readonly Portfolio[],
    private readonly budget: WindowBudget,
  ) {
    this.active = portfolios.map(({ positions }) => positions.length > 0);
    this.seen = portfolios.map(() => 0);
    portfolios.forEach(({ positions }, index) => {
      for (const { symbol } of positions) {
        const list = this.holders.get(symbol);
        if (list) list.push(index);
        else this.holders.set(symbol, [index]);
      }
    });
  }

  isMetBy(counts: ReadonlyMap<string, number>): boolean {
    let read = this.read;
    for (const count of counts.values()) read += count;
    if (read >= maxReplayTicks) return true;
    const seen = this.after(counts);
    // Windows are shorter where memory is; that only gets clear on the way.
    const enough = this.budget.pointsToRebuild(seen) + blocksMargin;
    return seen.every((points, index) => points >= enough || !this.active[index]);
  }

  take(counts: ReadonlyMap<string, number>): void {
    for (const count of counts.values()) this.read += count;
    this.seen = this.after(counts);
  }

  private after(counts: ReadonlyMap<string, number>): number[] {
    const seen = [...this.seen];
    for (const [symbol, count] of counts) {
      for (const index of this.holders.get(symbol) ?? []) seen[index]! += count;
    }
    return seen;
  }
}

async function replay(
  engine: AnalyticsEngine,
  { ticks, portfolios }: RebuildSource,
  fromSeq: number,
  toSeq: number,
): Promise<{ ticks: number; changes: number }> {
  const changes = flattened(portfolios.positionChanges({ fromSeq, toSeq }));
  let change = await changes.next();
  let tickCount = 0;
  let changeCount = 0;
  const changesBefore = async (seq: number): Promise<void> => {
    while (!change.done && change.value.seq < seq) {
      engine.applyChange(change.value);
      changeCount++;
      change = await changes.next();
    }
  };
  const nextChange = (): number => (change.done ? Number.POSITIVE_INFINITY : change.value.seq);
  for await (const batch of readAhead(ticks.replay({ fromSeq, toSeq }))) {
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
