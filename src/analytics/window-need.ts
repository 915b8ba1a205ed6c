import type { Portfolio } from '../domain/portfolio.js';
import { blocksMargin } from '../kernel/block-cuts.js';
import type { PortfolioRepository } from '../store/portfolio.repository.js';
import type { SymbolCount, TickRepository } from '../store/tick.repository.js';
import type { WindowBudget } from './window-budget.js';

/** Numbers of the total order that the search for the beginning looks at first. */
const firstSpan = 100_000;
/** Parts of a step in which its ticks are counted: the last step may be far longer than is needed. */
const partsOfStep = 16;
/** Ticks read at most. Windows that would need more begin with what that gives. */
const maxReplayTicks = 3_000_000;

interface Source {
  readonly ticks: Pick<TickRepository, 'symbolCounts'>;
  readonly portfolios: Pick<PortfolioRepository, 'asOf' | 'positionChanges'>;
}

/** Walks back in doubling steps until every portfolio has met the ticks that fill its window. */
export async function findBeginnings(need: WindowNeed, end: number, source: Source): Promise<void> {
  let from = end;
  for (let span = firstSpan; from > 1 && need.open.length > 0; span *= 2) {
    const next = Math.max(1, from - span);
    const parts = await source.ticks.symbolCounts(next, from, partsOfStep);
    const before = await need.enter(next, from, source.portfolios);
    const counts = sumOf(parts);
    const met = need.metBy(counts);
    if (met.length > 0) {
      const part = lastEnough(need, met, parts);
      need.begin(met, next + Math.floor((part * (from - next)) / partsOfStep));
    }
    need.begin(need.newcomers, next);
    need.leave(counts, before);
    from = next;
  }
  need.begin(need.open, from);
}

/** The last part from which on these have all met enough. */
function lastEnough(
  need: WindowNeed,
  met: readonly number[],
  parts: readonly ReadonlyMap<string, SymbolCount>[],
): number {
  for (let part = parts.length - 1; part > 0; part--) {
    const enoughThere = new Set(need.metBy(sumOf(parts.slice(part))));
    if (met.every((index) => enoughThere.has(index))) return part;
  }
  return 0;
}

/** How many ticks each portfolio has met on the way back, and where those are enough for its window. */
export class WindowNeed {
  /** By id of the portfolio; those without positions have none. */
  readonly beginnings = new Map<string, number>();
  /** Every symbol that was met. */
  readonly symbols = new Set<string>();
  /** Indices of the portfolios that have not met enough yet. */
  open: readonly number[];
  /** Those that were not there yet when the span begins: all that moved them is in it, or behind. */
  private created: readonly number[] = [];
  /** What each portfolio held at the end of the span. */
  private held: Portfolio[];
  private holders: ReadonlyMap<string, readonly number[]>;
  /** Of portfolios that changed within the span, what they held all the time. */
  private kept: ReadonlyMap<number, ReadonlySet<string>> = new Map();
  private seen: readonly number[];
  private read = 0;

  constructor(
    portfolios: readonly Portfolio[],
    private readonly budget: WindowBudget,
  ) {
    this.held = [...portfolios];
    this.open = [...portfolios.keys()].filter((index) => portfolios[index]!.positions.length > 0);
    this.seen = portfolios.map(() => 0);
    this.holders = holdersOf(this.held);
  }

  /**
   * Makes a span the one that ticks are counted in: for a portfolio that changed within it, only those of symbols that it held
   * all the time. Counting too few makes the replay longer, counting too many would make a window shorter than it was.
   * @returns the portfolios that changed as of its beginning
   */
  async enter(
    fromSeq: number,
    toSeq: number,
    portfolios: Source['portfolios'],
  ): Promise<ReadonlyMap<number, Portfolio>> {
    this.created = [];
    this.kept = new Map();
    const changing = this.open.filter((index) => this.held[index]!.revision >= fromSeq);
    if (changing.length === 0) return new Map();
    const then = new Map((await portfolios.asOf(fromSeq)).map((portfolio) => [portfolio.id, portfolio]));
    this.created = changing.filter((index) => !then.has(this.held[index]!.id));
    const kept = new Map(changing.map((index) => [this.held[index]!.id, symbolsOf(this.held[index]!)]));
    for (const [id, symbols] of kept) {
      const portfolio = then.get(id);
      if (portfolio !== undefined) keepOnly(symbols, symbolsOf(portfolio));
    }
    for await (const batch of portfolios.positionChanges({ fromSeq, toSeq })) {
      for (const { kind, portfolio } of batch) {
        const symbols = kept.get(portfolio.id);
        if (symbols) keepOnly(symbols, kind === 'deleted' ? new Set() : symbolsOf(portfolio));
      }
    }
    this.kept = new Map(changing.map((index) => [index, kept.get(this.held[index]!.id)!]));
    return new Map(changing.map((index) => [index, then.get(this.held[index]!.id)] as const).filter(isKnown));
  }

  /** Of the open ones, those that nothing before the span has moved. */
  get newcomers(): readonly number[] {
    const open = new Set(this.open);
    return this.created.filter((index) => open.has(index));
  }

  /** Those of the open ones that have met enough with these further ticks. */
  metBy(counts: ReadonlyMap<string, SymbolCount>): readonly number[] {
    let read = this.read;
    for (const { stored } of counts.values()) read += stored;
    if (read >= maxReplayTicks) return this.open;
    const seen = this.after(counts);
    // Windows are shorter where memory is; that only gets clear on the way.
    const enough = this.budget.pointsToRebuild(seen) + blocksMargin;
    return this.open.filter((index) => seen[index]! >= enough);
  }

  /** The replay begins here for these. */
  begin(indices: readonly number[], seq: number): void {
    for (const index of indices) this.beginnings.set(this.held[index]!.id, seq);
    const done = new Set(indices);
    this.open = this.open.filter((index) => !done.has(index));
  }

  /** The span has been counted; the next one ends where it begins. @param before what {@link enter} gave */
  leave(counts: ReadonlyMap<string, SymbolCount>, before: ReadonlyMap<number, Portfolio>): void {
    for (const [symbol, { stored }] of counts) {
      this.read += stored;
      this.symbols.add(symbol);
    }
    this.seen = this.after(counts);
    if (before.size === 0) return;
    this.held = this.held.map((portfolio, index) => before.get(index) ?? portfolio);
    this.holders = holdersOf(this.held);
  }

  private after(counts: ReadonlyMap<string, SymbolCount>): number[] {
    const seen = [...this.seen];
    for (const [symbol, { moving }] of counts) {
      for (const index of this.holders.get(symbol) ?? []) {
        if (this.kept.get(index)?.has(symbol) !== false) seen[index]! += moving;
      }
    }
    return seen;
  }
}

function sumOf(parts: readonly ReadonlyMap<string, SymbolCount>[]): ReadonlyMap<string, SymbolCount> {
  const sum = new Map<string, SymbolCount>();
  for (const part of parts) {
    for (const [symbol, { stored, moving }] of part) {
      const others = sum.get(symbol);
      sum.set(symbol, { stored: stored + (others?.stored ?? 0), moving: moving + (others?.moving ?? 0) });
    }
  }
  return sum;
}

const isKnown = <K, V>(entry: readonly [K, V | undefined]): entry is [K, V] => entry[1] !== undefined;

function keepOnly(symbols: Set<string>, held: ReadonlySet<string>): void {
  for (const symbol of symbols) if (!held.has(symbol)) symbols.delete(symbol);
}

const symbolsOf = ({ positions }: Portfolio): Set<string> => new Set(positions.map(({ symbol }) => symbol));

function holdersOf(portfolios: readonly Portfolio[]): ReadonlyMap<string, readonly number[]> {
  const holders = new Map<string, number[]>();
  portfolios.forEach((portfolio, index) => {
    for (const symbol of symbolsOf(portfolio)) {
      const list = holders.get(symbol);
      if (list) list.push(index);
      else holders.set(symbol, [index]);
    }
  });
  return holders;
}
