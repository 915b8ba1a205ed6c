import type { PortfolioChanged } from '../domain/events.js';
import type { MarkedPosition, Portfolio } from '../domain/portfolio.js';
import type { StoredTick, StoredTicks } from '../domain/tick.js';
import { CompensatedSum } from '../kernel/compensated-sum.js';
import { exchangeTerm, fitsOrderFreeSum, orderFreeSize, orderFreeValue } from '../kernel/order-free-sum.js';
import { cutKey } from '../kernel/stream-window.js';
import { Conversions } from './conversions.js';
import { ExchangeRates } from './exchange-rates.js';
import { type HeldPosition, Holders } from './holders.js';
import type { MarkedPortfolio } from './portfolio-book.js';
import { PortfolioBook } from './portfolio-book.js';
import { PortfolioState } from './portfolio-state.js';
import { maxSymbols, PriceTable } from './price-table.js';
import { SymbolCurrencies } from './symbol-currencies.js';
import { WindowBudget } from './window-budget.js';

/** A price from before the first tick that is applied. */
export interface KnownPrice {
  readonly symbol: string;
  readonly price: number;
  readonly tsMs: number;
}

/** What has been applied, as running totals. */
export interface EngineCounts {
  /** Ticks that became the live price; `corrections` are those of the very same source time. */
  applied: number;
  corrections: number;
  /** Ticks older than the live price of their symbol: they move nothing. */
  late: number;
  /** Ticks of symbols beyond {@link maxSymbols}. */
  ignored: number;
  /** Portfolios marked: one per tick and portfolio that it touches. */
  updates: number;
  /** Changes of positions. */
  changes: number;
}

const nothing = { ingestedAtMs: Number.NaN, storedAtMs: Number.NaN };

/**
 * Marks portfolios to market and feeds their windows. Everything here is synchronous and depends only on what is
 * applied and in which order: ticks and position changes in `seq` order give the same state, bit for bit, in the
 * live process, in a replay and after a restart.
 *
 * A tick that is not late becomes the live price of its symbol, moves the value of each portfolio that depends on it
 * (by holding the symbol, or by needing it as an exchange rate) and appends one point to that portfolio's window,
 * once all of its positions have a price. A change of positions moves the value and appends nothing.
 */
export class AnalyticsEngine extends PortfolioBook {
  readonly counts: EngineCounts = { applied: 0, corrections: 0, late: 0, ignored: 0, updates: 0, changes: 0 };
  readonly prices: PriceTable;
  /** The last `seq` applied. */
  lastSeq = 0;
  private readonly rates = new ExchangeRates();
  private readonly conversions: Conversions;
  private readonly holders: Holders[] = [];
  private readonly states: (PortfolioState | undefined)[] = [];
  private readonly byId = new Map<string, PortfolioState>();
  private readonly freeIndices: number[] = [];
  private sums = new Float64Array(64 * orderFreeSize);
  private touchedAt = new Float64Array(64);
  private touches = 0;
  private readonly touched: PortfolioState[] = [];
  private waiting: PortfolioState[] = [];
  private batch: Pick<StoredTicks, 'ingestedAtMs' | 'storedAtMs'> = nothing;
  private quiet = false;

  constructor(
    readonly budget = new WindowBudget(2 ** 30),
    currencies = new SymbolCurrencies(),
  ) {
    super();
    this.prices = new PriceTable(currencies);
    this.conversions = new Conversions(this.rates);
  }

  /** Whose ticks come next. */
  beginBatch(batch: Pick<StoredTicks, 'ingestedAtMs' | 'storedAtMs'>): void {
    this.batch = batch;
  }

  /** While set, portfolios are not noted as changed: for a rebuild. */
  setQuiet(quiet: boolean): void {
    this.quiet = quiet;
    if (quiet) this.batch = nothing;
  }

  /** Sets a live price without appending points: where a replay starts from. */
  loadPrice({ symbol, price, tsMs }: KnownPrice): void {
    const index = this.prices.index(symbol);
    const time = toMicroseconds(tsMs);
    if (this.prices.update(index, price, time) === 'late') return;
    this.remark(index, price, time);
    for (const state of this.touched) this.revalue(state, time);
    this.touched.length = 0;
  }

  applyTick(tick: StoredTick): void {
    this.lastSeq = tick.seq;
    const { prices, counts } = this;
    if (prices.size >= maxSymbols && prices.find(tick.symbol) === undefined) {
      counts.ignored++;
      return;
    }
    const symbol = prices.index(tick.symbol);
    const tsMs = toMicroseconds(tick.tsMs);
    const outcome = prices.update(symbol, tick.price, tsMs);
    if (outcome === 'late') {
      counts.late++;
      return;
    }
    counts.applied++;
    if (outcome === 'correction') counts.corrections++;
    this.remark(symbol, tick.price, tsMs);
    const { touched, budget, batch, quiet } = this;
    if (touched.length === 0) return;
    const key = cutKey(tick.seq);
    for (let i = 0; i < touched.length; i++) {
      const state = touched[i]!;
      this.revalue(state, tsMs);
      if (state.value - state.value === 0) budget.push(state.window, state.value, tsMs, key);
      if (quiet) continue;
      state.batch = batch;
      state.sourceMs = tsMs;
      this.note(state, symbol);
    }
    counts.updates += touched.length;
    touched.length = 0;
  }

  applyChange({ kind, portfolio }: PortfolioChanged): void {
    this.lastSeq = Math.max(this.lastSeq, portfolio.revision);
    this.counts.changes++;
    if (kind === 'deleted') this.forget(portfolio.id);
    else this.put(portfolio);
    // Terms were set outside a tick: nobody is to be marked for it.
    this.touched.length = 0;
  }

  private put(portfolio: Portfolio): void {
    const state = this.byId.get(portfolio.id) ?? this.add(portfolio);
    if (state.portfolio.currency !== portfolio.currency) this.restart(state);
    const moved = this.setPositions(state, portfolio);
    // The first positions are no turnover: nothing was moved to get there.
    if (state.window.size > 0) state.addFlow(moved);
    state.portfolio = portfolio;
    state.version++;
    state.value = this.markedValue(state);
    if (this.quiet) return;
    state.batch = null;
    this.note(state, -1);
  }

  /** Portfolios that have changed since the last call. */
  takeChanged(): PortfolioState[] {
    const { waiting } = this;
    this.waiting = [];
    for (const state of waiting) state.dirty = false;
    return waiting;
  }

  get changedCount(): number {
    return this.waiting.length;
  }

  get portfolioCount(): number {
    return this.byId.size;
  }

  state(portfolioId: string): PortfolioState | undefined {
    return this.byId.get(portfolioId);
  }

  allStates(): Iterable<PortfolioState> {
    return this.byId.values();
  }

  override portfolioIds(): Iterable<string> {
    return this.byId.keys();
  }

  override price(symbol: string): { readonly price: number; readonly tsMs: number } | undefined {
    const index = this.prices.find(symbol);
    if (index === undefined) return undefined;
    const price = this.prices.prices[index]!;
    return Number.isNaN(price) ? undefined : { price, tsMs: this.prices.times[index]! };
  }

  override fxRate(symbol: string, currency: string): number | undefined {
    const rate = this.rates.rate(this.prices.currencyOf(symbol), currency);
    return Number.isNaN(rate) ? undefined : rate;
  }

  override marked(portfolioId: string): MarkedPortfolio | undefined {
    const state = this.byId.get(portfolioId);
    if (!state) return undefined;
    const { portfolio } = state;
    const positions = portfolio.positions.map((position): MarkedPosition => {
      const symbol = this.prices.index(position.symbol);
      const held = state.held.get(symbol);
      const term = held === undefined ? Number.NaN : this.holders[symbol]!.terms[held.slot]!;
      const price = this.prices.prices[symbol]!;
      const known = !Number.isNaN(price);
      return {
        ...position,
        price: known ? price : null,
        priceTsMs: known ? this.prices.times[symbol]! : null,
        marketValue: Number.isFinite(term) ? term : null,
      };
    });
    return {
      portfolio,
      value: Number.isFinite(state.value) ? state.value : null,
      reason: this.reasonNoValue(state),
      positions,
      asOfMs: Number.isNaN(state.asOfMs) ? null : state.asOfMs,
      version: state.version,
    };
  }

  /** The value summed afresh from quantities, prices and rates; what the running value is checked against. */
  revaluation(state: PortfolioState): number {
    const sum = new CompensatedSum();
    for (const { symbol, quantity } of state.portfolio.positions) {
      const index = this.prices.index(symbol);
      const rate = this.rates.rate(this.prices.currencies[index]!, state.portfolio.currency);
      sum.add(quantity * this.prices.prices[index]! * rate);
    }
    return sum.value;
  }

  /** Why a portfolio has no value; `null` when it has one. */
  reasonNoValue(state: PortfolioState): string | null {
    if (Number.isFinite(state.value)) return null;
    for (const { symbol } of state.portfolio.positions) {
      const index = this.prices.index(symbol);
      if (Number.isNaN(this.prices.prices[index]!)) return `no price of ${symbol} has been seen`;
      const from = this.prices.currencies[index]!;
      const to = state.portfolio.currency;
      if (Number.isNaN(this.rates.rate(from, to)))
        return `no exchange rate from ${from} to ${to} has been seen`;
    }
    return 'the sum of the positions is beyond the range of a double';
  }

  /** Terms of every holding that depends on the symbol; fills `touched`. */
  private remark(symbol: number, price: number, tsMs: number): void {
    this.touches++;
    const holders = this.holders[symbol];
    if (holders !== undefined) {
      const { quantities, conversions, count } = holders;
      for (let slot = 0; slot < count; slot++) {
        const conversion = conversions[slot]!;
        const rate = conversion < 0 ? 1 : this.conversions.rates[conversion]!;
        this.setTerm(holders, slot, quantities[slot]! * price * rate);
      }
    }
    const pair = this.prices.pairs[symbol];
    if (pair && this.rates.update(pair, price, tsMs)) this.reconvert();
  }

  /** An exchange rate has changed: every holding whose conversion changed with it. */
  private reconvert(): void {
    for (const conversion of this.conversions.changed()) {
      const rate = this.conversions.rates[conversion]!;
      for (const position of this.conversions.dependents(conversion)) {
        const holders = this.holders[position.symbol]!;
        this.setTerm(
          holders,
          position.slot,
          holders.quantities[position.slot]! * this.prices.prices[position.symbol]! * rate,
        );
      }
    }
  }

  private setTerm(holders: Holders, slot: number, term: number): void {
    const index = holders.portfolios[slot]!;
    const before = holders.terms[slot]!;
    if (fitsOrderFreeSum(before) && fitsOrderFreeSum(term)) {
      exchangeTerm(this.sums, index * orderFreeSize, before, term);
    } else this.setUnusualTerm(index, before, term);
    holders.terms[slot] = term;
    if (this.touchedAt[index] === this.touches) return;
    this.touchedAt[index] = this.touches;
    this.touched.push(this.states[index]!);
  }

  private setUnusualTerm(index: number, before: number, term: number): void {
    const state = this.states[index]!;
    if (Number.isNaN(before)) state.missing--;
    else if (fitsOrderFreeSum(before)) exchangeTerm(this.sums, index * orderFreeSize, before, 0);
    else state.huge--;
    if (Number.isNaN(term)) state.missing++;
    else if (fitsOrderFreeSum(term)) exchangeTerm(this.sums, index * orderFreeSize, 0, term);
    else state.huge++;
  }

  private revalue(state: PortfolioState, tsMs: number): void {
    state.value = this.markedValue(state);
    // Also true while asOfMs is NaN.
    if (!(tsMs < state.asOfMs)) state.asOfMs = tsMs;
    state.version++;
  }

  private markedValue(state: PortfolioState): number {
    if (state.missing > 0) return Number.NaN;
    if (state.huge > 0) return this.revaluation(state);
    return orderFreeValue(this.sums, state.index * orderFreeSize);
  }

  /** Notes a portfolio for `takeChanged`. @param symbol −1 when positions changed */
  private note(state: PortfolioState, symbol: number): void {
    const { moved } = state;
    if (symbol >= 0 && moved[moved.length - 1] !== symbol) {
      moved.push(symbol);
      if (moved.length >= 512) state.moved = [...new Set(moved)];
    }
    if (state.dirty) return;
    state.dirty = true;
    this.waiting.push(state);
  }

  private add(portfolio: Portfolio): PortfolioState {
    const index = this.freeIndices.pop() ?? this.states.length;
    if ((index + 1) * orderFreeSize > this.sums.length) {
      const sums = new Float64Array(this.sums.length * 2);
      sums.set(this.sums);
      this.sums = sums;
      const touchedAt = new Float64Array(this.touchedAt.length * 2);
      touchedAt.set(this.touchedAt);
      this.touchedAt = touchedAt;
    }
    const state = new PortfolioState(index, { ...portfolio, positions: [] }, this.budget.open());
    this.states[index] = state;
    this.byId.set(portfolio.id, state);
    return state;
  }

  private forget(portfolioId: string): void {
    const state = this.byId.get(portfolioId);
    if (!state) return;
    for (const position of state.held.values()) this.drop(state, position);
    state.held.clear();
    this.sums.fill(0, state.index * orderFreeSize, (state.index + 1) * orderFreeSize);
    this.budget.close(state.window);
    this.states[state.index] = undefined;
    this.freeIndices.push(state.index);
    this.byId.delete(portfolioId);
    this.waiting = this.waiting.filter((other) => other !== state);
  }

  /** A window holds values of one currency. */
  private restart(state: PortfolioState): void {
    this.budget.close(state.window);
    state.window = this.budget.open();
    state.forgetFlows();
    for (const position of state.held.values()) this.drop(state, position);
    state.held.clear();
  }

  /** @returns the value moved: Σ |change of quantity| × price × rate over positions that have a price */
  private setPositions(state: PortfolioState, portfolio: Portfolio): number {
    let moved = 0;
    const wanted = new Map<number, number>();
    for (const { symbol, quantity } of portfolio.positions) {
      const index = this.prices.index(symbol);
      wanted.set(index, (wanted.get(index) ?? 0) + quantity);
    }
    for (const [symbol, position] of state.held) {
      if (wanted.has(symbol)) continue;
      moved += this.drop(state, position);
      state.held.delete(symbol);
    }
    let asOfMs = Number.NEGATIVE_INFINITY;
    for (const [symbol, quantity] of wanted) {
      moved += this.hold(state, symbol, quantity, portfolio.currency);
      const { conversion } = state.held.get(symbol)!;
      asOfMs = Math.max(asOfMs, finiteOr(this.prices.times[symbol]!));
      if (conversion >= 0) asOfMs = Math.max(asOfMs, this.conversions.timeMs(conversion));
    }
    state.asOfMs = Number.isFinite(asOfMs) ? asOfMs : Number.NaN;
    return moved;
  }

  /** Sets the quantity of a position, new or known. @returns the value moved */
  private hold(state: PortfolioState, symbol: number, quantity: number, currency: string): number {
    this.holders[symbol] ??= new Holders();
    const holders = this.holders[symbol]!;
    let position = state.held.get(symbol);
    let before = 0;
    if (position === undefined) {
      const conversion = this.conversions.index(this.prices.currencies[symbol]!, currency);
      position = { symbol, slot: -1, conversion, dependent: -1, portfolio: state.index };
      holders.add(position, quantity);
      state.missing++;
      if (conversion >= 0) this.conversions.join(position);
      state.held.set(symbol, position);
    } else {
      before = holders.quantities[position.slot]!;
      if (before === quantity) return 0;
      holders.quantities[position.slot] = quantity;
    }
    const rate = position.conversion < 0 ? 1 : this.conversions.rates[position.conversion]!;
    const unit = this.prices.prices[symbol]! * rate;
    this.setTerm(holders, position.slot, quantity * this.prices.prices[symbol]! * rate);
    const amount = Math.abs(quantity - before) * Math.abs(unit);
    return Number.isFinite(amount) ? amount : 0;
  }

  /** @returns the value it had */
  private drop(state: PortfolioState, position: HeldPosition): number {
    const holders = this.holders[position.symbol]!;
    const term = holders.terms[position.slot]!;
    // As if it had no price any more, then without it.
    this.setTerm(holders, position.slot, Number.NaN);
    state.missing--;
    holders.remove(position.slot);
    if (position.conversion >= 0) this.conversions.leave(position);
    return Number.isFinite(term) ? Math.abs(term) : 0;
  }
}

/** Source times are stored in whole microseconds: the live tick and the replayed one are to be the same number. */
function toMicroseconds(tsMs: number): number {
  const whole = Math.floor(tsMs);
  return (whole * 1_000 + Math.round((tsMs - whole) * 1_000)) / 1_000;
}

const finiteOr = (x: number, other = Number.NEGATIVE_INFINITY): number => (Number.isFinite(x) ? x : other);
