import type { Portfolio } from '../../src/domain/portfolio.js';
import type { StoredTick } from '../../src/domain/tick.js';

export interface MarketSize {
  readonly portfolios: number;
  readonly positions: number;
  readonly symbols: number;
}

/** Seeded books and prices of the size asked for. */
export class BenchMarket {
  readonly symbols: readonly string[];
  readonly books: readonly Portfolio[];
  private readonly prices: Float64Array;
  private state = 20_260_101;
  private seq = 0;

  constructor(size: MarketSize) {
    this.symbols = Array.from({ length: size.symbols }, (_, i) => `S${i}`);
    this.prices = Float64Array.from(this.symbols, () => 20 + 200 * this.uniform());
    this.books = Array.from({ length: size.portfolios }, (_, i) => this.book(i, size.positions));
  }

  /** The next tick; `symbol` chosen at random unless given. */
  tick(tsMs: number, symbol = Math.floor(this.uniform() * this.symbols.length)): StoredTick {
    const price = this.prices[symbol]! * (1 + 0.0005 * (this.uniform() - 0.5));
    this.prices[symbol] = price;
    return { symbol: this.symbols[symbol]!, tsMs, price, size: null, sourceId: null, seq: ++this.seq };
  }

  private book(index: number, positions: number): Portfolio {
    const held = new Set<string>();
    while (held.size < positions) held.add(this.symbols[Math.floor(this.uniform() * this.symbols.length)]!);
    return {
      id: `PORTFOLIO_${index}`,
      name: `Portfolio ${index}`,
      currency: 'USD',
      positions: [...held].map((symbol) => ({ symbol, quantity: Math.ceil(1_000 * this.uniform()) })),
      revision: 0,
      updatedAtMs: 0,
    };
  }

  private uniform(): number {
    this.state = (Math.imul(1_664_525, this.state) + 1_013_904_223) >>> 0;
    return this.state / 2 ** 32;
  }
}
