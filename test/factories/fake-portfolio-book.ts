import { type MarkedPortfolio, PortfolioBook, type UsedPair } from '../../src/analytics/portfolio-book.js';
import type { EventBus } from '../../src/domain/event-bus.js';
import type { Portfolio } from '../../src/domain/portfolio.js';

/** A book in memory: portfolios, prices and rates as a test sets them, announced as the engine does. */
export class FakePortfolioBook extends PortfolioBook {
  readonly prices = new Map<string, { price: number; tsMs: number }>();
  /** Units of the portfolio's currency for one of the symbol's; 1 where nothing is set. */
  readonly rates = new Map<string, number>();
  readonly pairs = new Map<string, readonly UsedPair[]>();
  private readonly portfolios = new Map<string, Portfolio>();

  constructor(private readonly bus: EventBus) {
    super();
  }

  put(id: string, positions: Readonly<Record<string, number>>, currency = 'USD'): void {
    const portfolio: Portfolio = {
      id,
      name: id,
      currency,
      positions: Object.entries(positions).map(([symbol, quantity]) => ({ symbol, quantity })),
      revision: 1,
      updatedAtMs: 0,
    };
    this.portfolios.set(id, portfolio);
    this.bus.emit('portfolio.changed', { kind: 'put', portfolio });
    this.revalued(id);
  }

  delete(id: string): void {
    const portfolio = this.portfolios.get(id)!;
    this.portfolios.delete(id);
    this.bus.emit('portfolio.changed', { kind: 'deleted', portfolio });
  }

  tick(symbol: string, price: number, tsMs = Date.now()): void {
    this.prices.set(symbol, { price, tsMs });
    for (const { id, positions } of this.portfolios.values()) {
      if (positions.some((p) => p.symbol === symbol)) this.revalued(id, symbol);
    }
  }

  override marked(id: string): MarkedPortfolio | undefined {
    const portfolio = this.portfolios.get(id);
    return portfolio && { portfolio, value: null, reason: null, positions: [], asOfMs: null, version: 1 };
  }

  override portfolioIds(): Iterable<string> {
    return this.portfolios.keys();
  }

  override price(symbol: string) {
    return this.prices.get(symbol);
  }

  override fxRate(symbol: string): number | undefined {
    return this.rates.get(symbol) ?? 1;
  }

  override fxPairs(symbol: string): readonly UsedPair[] {
    return this.pairs.get(symbol) ?? [];
  }

  private revalued(portfolioId: string, ...symbols: string[]): void {
    const hops = { sourceMs: null, ingestedMs: null, storedMs: null, computedMs: Date.now(), dueMs: 0 };
    this.bus.emit('portfolio.revalued', { portfolioId, value: null, symbols, hops });
  }
}
