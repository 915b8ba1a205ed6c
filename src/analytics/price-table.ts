import type { CurrencyPair, SymbolCurrencies } from './symbol-currencies.js';

/** What became of a tick. */
export type TickOutcome = 'applied' | 'correction' | 'late';

/** Symbols that are remembered; ticks of further ones are counted and passed over unless a portfolio holds them. */
export const maxSymbols = 1_000_000;

/** The live price of every symbol, by dense index. */
export class PriceTable {
  private readonly indices = new Map<string, number>();
  readonly names: string[] = [];
  readonly currencies: string[] = [];
  readonly pairs: (CurrencyPair | null)[] = [];
  /** NaN until the first price. */
  prices = new Float64Array(256).fill(Number.NaN);
  /** Source time of the price, Unix ms. */
  times = new Float64Array(256).fill(Number.NaN);
  /** Ticks per symbol that came with an older source time than the live price. */
  late = new Uint32Array(256);

  constructor(private readonly registry: SymbolCurrencies) {}

  get size(): number {
    return this.names.length;
  }

  /** Index of a symbol that has been seen or is held; `undefined` otherwise. */
  find(symbol: string): number | undefined {
    return this.indices.get(symbol);
  }

  /** Currency of a symbol's price, seen before or not. */
  currencyOf(symbol: string): string {
    const known = this.indices.get(symbol);
    return known === undefined ? this.registry.of(symbol).currency : this.currencies[known]!;
  }

  /** Whether a symbol's price is an exchange rate. */
  isRate(symbol: string): boolean {
    const known = this.indices.get(symbol);
    return (known === undefined ? this.registry.of(symbol).pair : this.pairs[known]) !== null;
  }

  /** Index of a symbol; a new one gets the next. */
  index(symbol: string): number {
    const known = this.indices.get(symbol);
    if (known !== undefined) return known;
    const index = this.names.length;
    if (index === this.prices.length) this.grow();
    const { currency, pair } = this.registry.of(symbol);
    this.indices.set(symbol, index);
    this.names.push(symbol);
    this.currencies.push(currency);
    this.pairs.push(pair);
    return index;
  }

  /**
   * Takes a tick as the live price, unless its source time is older than that of the live price. A tick of the very
   * same source time replaces the price: the later arrival is the correction.
   */
  update(symbol: number, price: number, tsMs: number): TickOutcome {
    const before = this.times[symbol]!;
    if (tsMs < before) {
      this.late[symbol]!++;
      return 'late';
    }
    const corrects = tsMs === before && this.prices[symbol] !== price;
    this.prices[symbol] = price;
    this.times[symbol] = tsMs;
    return corrects ? 'correction' : 'applied';
  }

  private grow(): void {
    const length = this.prices.length * 2;
    const prices = new Float64Array(length).fill(Number.NaN);
    prices.set(this.prices);
    this.prices = prices;
    const times = new Float64Array(length).fill(Number.NaN);
    times.set(this.times);
    this.times = times;
    const late = new Uint32Array(length);
    late.set(this.late);
    this.late = late;
  }
}
