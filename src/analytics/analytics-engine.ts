import type { PortfolioChanged } from '../domain/events.js';
import type { MarkedPosition, Portfolio } from '../domain/portfolio.js';
import type { StoredTick, StoredTicks } from '../domain/tick.js';
import { CompensatedSum } from '../kernel/compensated-sum.js';
import { Conversions } from './conversions.js';
import { ExchangeRates } from './exchange-rates.js';
import { type HeldPosition, Holders } from './holders.js';
import type { MarkedPortfolio } from './portfolio-book.js';
import { PortfolioBook, type UsedPair } from './portfolio-book.js';
import { PortfolioMarks } from './portfolio-marks.js';
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

type Batch = Pick<StoredTicks, 'ingestedAtMs' | 'storedAtMs'>;

/** Batches remembered by number: far more than come between two announcements of a portfolio. */
const batchesKept = 65_536;

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
  private readonly marks: PortfolioMarks;
  private readonly batches: (Batch | undefined)[] = [];
  private batchNumber = 0;
  private lastBatch: Batch | null = null;
  /** Last `seq` that moved each symbol: which of them an announcement names. */
  private movedAt = new Float64Array(256);

  constructor(
    readonly budget = new WindowBudget(2 ** 30),
    currencies = new SymbolCurrencies(),
  ) {
    super();
    this.prices = new PriceTable(currencies);
    this.conversions = new Conversions(this.rates);
    this.marks = new PortfolioMarks(budget, (index) => this.revaluation(this.states[index]!));
  }

  /** Whose ticks come next. */
  beginBatch(batch: Batch): void {
    if (this.lastBatch === batch) return;
    this.lastBatch = batch;
    this.batchNumber++;
    // Its times alone: a batch kept as it came would keep its ticks in memory.
    const { ingestedAtMs, storedAtMs } = batch;
    this.batches[this.batchNumber % batchesKept] = { ingestedAtMs, storedAtMs };
  }

  /** The one that was applied last. */
  get batch(): Batch | undefined {
    return this.batches[this.batchNumber % batchesKept];
  }

  /** While set, portfolios are not noted as changed: for a rebuild. */
  setQuiet(quiet: boolean): void {
    this.marks.quiet = quiet;
  }

  /** Sets a live price without appending points: where a replay starts from. */
  loadPrice({ symbol, price, tsMs }: KnownPrice): void {
    const index = this.prices.index(symbol);
    const time = toMicroseconds(tsMs);
    if (this.prices.update(index, price, time) === 'late') return;
    this.marks.begin(price, time, 0, -1);
    this.touchHolders(index, price);
    this.touchConverted(index, price, time);
    this.marks.datedTouched();
  }

  applyTick(tick: StoredTick): void {
    const { seq, price } = tick;
    this.lastSeq = seq;
    const { prices, counts, marks } = this;
    const symbol = prices.find(tick.symbol) ?? (prices.size < maxSymbols ? prices.index(tick.symbol) : -1);
    if (symbol < 0) {
      counts.ignored++;
      return;
    }
    const tsMs = toMicroseconds(tick.tsMs);
    const outcome = prices.update(symbol, price, tsMs);
    if (outcome === 'late') {
      counts.late++;
      return;
    }
    counts.applied++;
    if (outcome === 'correction') counts.corrections++;
    if (symbol >= this.movedAt.length) this.growMovedAt(symbol);
    this.movedAt[symbol] = seq;
    marks.begin(price, tsMs, seq, this.batchNumber);
    const holders = this.holders[symbol];
    if (prices.pairs[symbol] === null) {
      if (holders !== undefined) counts.updates += marks.markHolders(holders, this.conversions.rates);
      return;
    }
    // A rate may reach a portfolio over several positions: it is marked once, when all of them have moved.
    this.touchHolders(symbol, price);
    this.touchConverted(symbol, price, tsMs);
    counts.updates += marks.markTouched();
  }

  applyChange({ kind, portfolio }: PortfolioChanged): void {
    this.lastSeq = Math.max(this.lastSeq, portfolio.revision);
    this.counts.changes++;
    if (kind === 'deleted') this.forget(portfolio.id);
    else this.put(portfolio);
    // Terms were set outside a tick: nobody is to be marked for it.
    this.marks.forgetTouched();
  }

  private put(portfolio: Portfolio): void {
    const state = this.byId.get(portfolio.id) ?? this.add(portfolio);
    if (state.portfolio.currency !== portfolio.currency) this.restart(state);
    const before = state.value;
    const moved = this.setPositions(state, portfolio);
    state.portfolio = portfolio;
    // The first positions are no turnover: nothing was moved to get there.
    if (state.window.size > 0) state.addFlow(moved, state.value - before);
    this.marks.changed(state.index);
  }

  /**
   * Portfolios that have changed since the last call: to be announced now.
   * @param patientOnes how many of those that may wait ({@link setPatient}) to take as well
   */
  takeChanged(patientOnes = Number.MAX_SAFE_INTEGER): PortfolioState[] {
    const changed: PortfolioState[] = [];
    for (const index of this.marks.takeNoted(patientOnes)) {
      const state = this.states[index];
      if (state === undefined) continue;
      const batch = this.marks.batch(index);
      state.batch = batch < 0 ? null : (this.batches[batch % batchesKept] ?? null);
      state.announcedFrom = state.announcedTo;
      state.announcedTo = this.lastSeq;
      changed.push(state);
    }
    return changed;
  }

  /** Held symbols whose price moved between the last two announcements of a portfolio. */
  movedSymbols({ held, announcedFrom, announcedTo }: PortfolioState): string[] {
    const symbols: string[] = [];
    for (const symbol of held.keys()) {
      const at = symbol < this.movedAt.length ? this.movedAt[symbol]! : 0;
      // Later ones are for the next announcement, which will name them.
      if (at > announcedFrom && at <= announcedTo) symbols.push(this.prices.names[symbol]!);
    }
    return symbols;
  }

  /** Changed portfolios to be announced at once. */
  get changedCount(): number {
    return this.marks.notedCount;
  }

  /** Changed portfolios that may wait. */
  get patientCount(): number {
    return this.marks.patientCount;
  }

  /** Whether the announcement of a portfolio's changes may wait until there is time. */
  setPatient(state: PortfolioState, patient: boolean): void {
    if (this.states[state.index] === state) this.marks.setPatient(state.index, patient);
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

  override fxPairs(symbol: string, currency: string): readonly UsedPair[] {
    return this.rates.pairs(this.prices.currencyOf(symbol), currency);
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
    if (state.portfolio.positions.length === 0) return Number.NaN;
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
    if (state.portfolio.positions.length === 0) return 'the portfolio has no positions';
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

  private growMovedAt(symbol: number): void {
    const movedAt = new Float64Array(Math.max(symbol + 1, this.movedAt.length * 2));
    movedAt.set(this.movedAt);
    this.movedAt = movedAt;
  }

  /** Terms of every holding of the symbol. */
  private touchHolders(symbol: number, price: number): void {
    const holders = this.holders[symbol];
    if (holders === undefined) return;
    const { quantities, conversions, count } = holders;
    for (let slot = 0; slot < count; slot++) {
      const conversion = conversions[slot]!;
      const rate = conversion < 0 ? 1 : this.conversions.rates[conversion]!;
      this.marks.setTerm(holders, slot, quantities[slot]! * price * rate);
    }
  }

  /** Terms of every holding whose conversion changes with the symbol, where it is an exchange rate. */
  private touchConverted(symbol: number, price: number, tsMs: number): void {
    const pair = this.prices.pairs[symbol];
    if (!pair || !this.rates.update(pair, price, tsMs)) return;
    for (const conversion of this.conversions.changed()) {
      const rate = this.conversions.rates[conversion]!;
      for (const position of this.conversions.dependents(conversion)) {
        const holders = this.holders[position.symbol]!;
        const unit = holders.quantities[position.slot]! * this.prices.prices[position.symbol]!;
        this.marks.setTerm(holders, position.slot, unit * rate);
      }
    }
  }

  private add(portfolio: Portfolio): PortfolioState {
    const index = this.freeIndices.pop() ?? this.states.length;
    this.marks.open(index);
    const state = new PortfolioState(index, { ...portfolio, positions: [] }, this.marks);
    // What moved before it was there did not move it.
    state.announcedTo = this.lastSeq;
    this.states[index] = state;
    this.byId.set(portfolio.id, state);
    return state;
  }

  private forget(portfolioId: string): void {
    const state = this.byId.get(portfolioId);
    if (!state) return;
    for (const position of state.held.values()) this.drop(position);
    state.held.clear();
    this.marks.close(state.index);
    this.states[state.index] = undefined;
    this.freeIndices.push(state.index);
    this.byId.delete(portfolioId);
  }

  /** A window holds values of one currency. */
  private restart(state: PortfolioState): void {
    this.marks.restart(state.index);
    state.forgetFlows();
    for (const position of state.held.values()) this.drop(position);
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
      moved += this.drop(position);
      state.held.delete(symbol);
    }
    let asOfMs = Number.NEGATIVE_INFINITY;
    for (const [symbol, quantity] of wanted) {
      moved += this.hold(state, symbol, quantity, portfolio.currency);
      const { conversion } = state.held.get(symbol)!;
      asOfMs = Math.max(asOfMs, finiteOr(this.prices.times[symbol]!));
      if (conversion >= 0) asOfMs = Math.max(asOfMs, this.conversions.timeMs(conversion));
    }
    this.marks.setAsOfMs(state.index, Number.isFinite(asOfMs) ? asOfMs : Number.NaN);
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
      this.marks.addMissing(state.index);
      if (conversion >= 0) this.conversions.join(position);
      state.held.set(symbol, position);
    } else {
      before = holders.quantities[position.slot]!;
      if (before === quantity) return 0;
      holders.quantities[position.slot] = quantity;
    }
    const rate = position.conversion < 0 ? 1 : this.conversions.rates[position.conversion]!;
    const unit = this.prices.prices[symbol]! * rate;
    this.marks.setTerm(holders, position.slot, quantity * this.prices.prices[symbol]! * rate);
    const amount = Math.abs(quantity - before) * Math.abs(unit);
    return Number.isFinite(amount) ? amount : 0;
  }

  /** @returns the value it had */
  private drop(position: HeldPosition): number {
    const holders = this.holders[position.symbol]!;
    const term = holders.terms[position.slot]!;
    // As if it had no price any more, then without it.
    this.marks.setTerm(holders, position.slot, Number.NaN);
    this.marks.removeMissing(position.portfolio);
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
