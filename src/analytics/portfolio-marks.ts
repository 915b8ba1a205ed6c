import { cutKey } from '../kernel/block-cuts.js';
import { exchangeTerm, fitsOrderFreeSum, orderFreeValue } from '../kernel/order-free-sum.js';
import type { StreamWindow } from '../kernel/stream-window.js';
import type { Holders } from './holders.js';
import type { WindowBudget } from './window-budget.js';

/** Doubles per portfolio in `rows`: one cache line, all that a tick touches of a portfolio but its new point. */
const width = 8;
/** Offsets after the four parts of the order-free sum. */
const AS_OF = 4;
const VERSION = 5;
const BATCH = 6;
const SOURCE = 7;
/** Points gathered before they go into the window, three doubles each: value, time, seq. */
const gathered = 85;
const pendingWidth = 256;

/** Values up to this are summed afresh: what the exact sum rounds off, up to 2⁻⁹⁶ per position, is no longer small beside them. */
const nextToNothing = 2 ** -50;

const PRICE = 0;
const TIME = 1;
const SEQ = 2;
const BATCH_NUMBER = 3;

/**
 * The marks of all portfolios by dense index, laid out for the way ticks come: each tick touches dozens of portfolios
 * out of thousands, so what counts is how much memory one touch needs. A touch writes one row and appends one point to
 * a small buffer; the window behind it (many arrays) is visited once per 85 points, or when somebody reads it.
 */
export class PortfolioMarks {
  /** The tick that is being applied: numbers in an array are not allocated when they are passed on. */
  private readonly tick = new Float64Array(4);
  private rows = new Float64Array(0);
  private pending = new Float64Array(0);
  private pendingCounts = new Uint8Array(0);
  private dirty = new Uint8Array(0);
  /** Positions without a price or a rate, and positions too large for the exact sum. */
  private missing = new Int32Array(0);
  private huge = new Int32Array(0);
  /** Number of the touch that reached a portfolio last. */
  private touchedAt = new Float64Array(0);
  private touches = 0;
  private touched: number[] = [];
  /** Noted and not taken: those to be told of at once, and those that come when there is time. */
  private waiting: number[] = [];
  private patient: number[] = [];
  private isPatient = new Uint8Array(0);
  private readonly windows: StreamWindow[] = [];
  /** Written, so that {@link fetch} is not left out as useless. */
  protected fetched = 0;
  /** While set, portfolios are not noted as changed. */
  quiet = false;

  /** @param sumAfresh the value of a portfolio whose positions are too large or too small for the exact sum */
  constructor(
    private readonly budget: WindowBudget,
    private readonly sumAfresh: (index: number) => number,
  ) {}

  open(index: number): void {
    if (index * width >= this.rows.length) this.grow(Math.max(64, index * 2));
    this.rows.fill(0, index * width, (index + 1) * width);
    this.rows[index * width + AS_OF] = Number.NaN;
    this.rows[index * width + BATCH] = -1;
    this.windows[index] = this.budget.open();
  }

  close(index: number): void {
    this.budget.close(this.windows[index]!);
    this.pendingCounts[index] = 0;
    this.dirty[index] = 0;
    this.isPatient[index] = 0;
    this.missing[index] = 0;
    this.huge[index] = 0;
  }

  /** A window holds values of one currency: this starts a new one. */
  restart(index: number): void {
    this.pendingCounts[index] = 0;
    this.budget.close(this.windows[index]!);
    this.windows[index] = this.budget.open();
  }

  /** The window with every point in it, at the memory level. */
  window(index: number): StreamWindow {
    this.settle(index);
    const window = this.windows[index]!;
    this.budget.bring(window);
    return window;
  }

  /** Points ever pushed, those that are still gathered included. */
  pushed(index: number): number {
    return this.windows[index]!.pushed + this.pendingCounts[index]!;
  }

  /** NaN while a position has no price or rate. */
  value(index: number): number {
    if (this.missing[index]! > 0) return Number.NaN;
    if (this.huge[index]! > 0) return this.sumAfresh(index);
    const value = orderFreeValue(this.rows, index * width);
    return value > nextToNothing || value < -nextToNothing ? value : this.sumAfresh(index);
  }

  asOfMs(index: number): number {
    return this.rows[index * width + AS_OF]!;
  }

  setAsOfMs(index: number, ms: number): void {
    this.rows[index * width + AS_OF] = ms;
  }

  version(index: number): number {
    return this.rows[index * width + VERSION]!;
  }

  /** Number of the batch that moved it last; −1 after a change of positions. */
  batch(index: number): number {
    return this.rows[index * width + BATCH]!;
  }

  /** Source time of the tick that moved it last. */
  sourceMs(index: number): number {
    return this.rows[index * width + SOURCE]!;
  }

  /** Sets the tick whose portfolios are marked next. */
  begin(price: number, tsMs: number, seq: number, batch: number): void {
    this.tick[PRICE] = price;
    this.tick[TIME] = tsMs;
    this.tick[SEQ] = seq;
    this.tick[BATCH_NUMBER] = batch;
    this.touches++;
  }

  /** Marks everybody who holds the symbol of the tick. @returns how many that are */
  markHolders(holders: Holders, rates: Float64Array): number {
    const { portfolios, quantities, conversions, terms, count } = holders;
    const { rows } = this;
    const price = this.tick[PRICE]!;
    this.fetch(portfolios, count);
    for (let slot = 0; slot < count; slot++) {
      const conversion = conversions[slot]!;
      const term = quantities[slot]! * price * (conversion < 0 ? 1 : rates[conversion]!);
      const before = terms[slot]!;
      const index = portfolios[slot]!;
      if (fitsOrderFreeSum(before) && fitsOrderFreeSum(term)) exchangeTerm(rows, index * width, before, term);
      else this.exchangeUnusual(index, before, term);
      terms[slot] = term;
      this.mark(index);
    }
    return count;
  }

  /**
   * Reads the memory that marking will need. The reads do not depend on one another, so that the processor has many of them
   * under way; in the loop that marks, each would wait for the work on the portfolio before it.
   */
  private fetch(portfolios: Int32Array, count: number): void {
    const { rows, pending, pendingCounts } = this;
    let read = 0;
    for (let slot = 0; slot < count; slot++) {
      const index = portfolios[slot]!;
      read += rows[index * width]! + pending[index * pendingWidth + pendingCounts[index]! * 3]!;
    }
    this.fetched = read;
  }

  /** Sets one term and notes its portfolio as touched, once per tick. */
  setTerm(holders: Holders, slot: number, term: number): void {
    const index = holders.portfolios[slot]!;
    const before = holders.terms[slot]!;
    if (fitsOrderFreeSum(before) && fitsOrderFreeSum(term)) {
      exchangeTerm(this.rows, index * width, before, term);
    } else this.exchangeUnusual(index, before, term);
    holders.terms[slot] = term;
    if (this.touchedAt[index] === this.touches) return;
    this.touchedAt[index] = this.touches;
    this.touched.push(index);
  }

  /** Marks everybody touched by {@link setTerm} since the tick began. @returns how many that are */
  markTouched(): number {
    const { touched } = this;
    this.touched = [];
    for (const index of touched) this.mark(index);
    return touched.length;
  }

  /** Forgets who was touched: terms were set outside a tick. */
  forgetTouched(): void {
    this.touched = [];
  }

  /** The touched portfolios are as new as the tick, and get no point: for prices from before the first tick. */
  datedTouched(): void {
    for (const index of this.touched) this.date(index);
    this.touched = [];
  }

  /** A position that has no term yet. */
  addMissing(index: number): void {
    this.missing[index]!++;
  }

  removeMissing(index: number): void {
    this.missing[index]!--;
  }

  /** Positions changed: a new version, noted without a batch. */
  changed(index: number): void {
    const at = index * width;
    this.rows[at + VERSION]!++;
    if (this.quiet) return;
    this.rows[at + BATCH] = -1;
    this.note(index);
  }

  /** Whether changes of this portfolio may wait until there is time. */
  setPatient(index: number, patient: boolean): void {
    if (this.isPatient[index] === (patient ? 1 : 0)) return;
    this.isPatient[index] = patient ? 1 : 0;
    // It stands among the patient ones, too, and is not taken twice.
    if (!patient && this.dirty[index] === 1) this.waiting.push(index);
  }

  /** Portfolios noted since the last call, and at most so many of the patient ones, those that wait longest first. */
  takeNoted(patientOnes: number): number[] {
    const { dirty } = this;
    const waiting = this.waiting.concat(this.patient.splice(0, patientOnes));
    this.waiting = [];
    // Indices of deleted portfolios may be there still, and twice when they were given out again.
    return waiting.filter((index) => {
      const noted = dirty[index] === 1;
      dirty[index] = 0;
      return noted;
    });
  }

  get notedCount(): number {
    return this.waiting.length;
  }

  get patientCount(): number {
    return this.patient.length;
  }

  private mark(index: number): void {
    this.date(index);
    const value = this.value(index);
    if (value - value === 0) {
      const { pending, tick } = this;
      const count = this.pendingCounts[index]!;
      const at = index * pendingWidth + count * 3;
      pending[at] = value;
      pending[at + 1] = tick[TIME]!;
      pending[at + 2] = tick[SEQ]!;
      this.pendingCounts[index] = count + 1;
      if (count + 1 === gathered) this.settle(index);
    }
    if (!this.quiet) this.note(index);
  }

  private date(index: number): void {
    const { rows, tick } = this;
    const at = index * width;
    const time = tick[TIME]!;
    // Also true while there is no time yet.
    if (!(time < rows[at + AS_OF]!)) rows[at + AS_OF] = time;
    rows[at + VERSION]!++;
    rows[at + BATCH] = tick[BATCH_NUMBER]!;
    rows[at + SOURCE] = time;
  }

  private note(index: number): void {
    if (this.dirty[index] === 1) return;
    this.dirty[index] = 1;
    if (this.isPatient[index] === 1) this.patient.push(index);
    else this.waiting.push(index);
  }

  /** Brings the gathered points into the window. */
  private settle(index: number): void {
    const count = this.pendingCounts[index]!;
    if (count === 0) return;
    this.pendingCounts[index] = 0;
    const { pending, budget } = this;
    const window = this.windows[index]!;
    const end = index * pendingWidth + count * 3;
    for (let at = index * pendingWidth; at < end; at += 3) {
      budget.push(window, pending[at]!, pending[at + 1]!, cutKey(pending[at + 2]!));
    }
  }

  private exchangeUnusual(index: number, before: number, term: number): void {
    const at = index * width;
    if (Number.isNaN(before)) this.missing[index]!--;
    else if (fitsOrderFreeSum(before)) exchangeTerm(this.rows, at, before, 0);
    else this.huge[index]!--;
    if (Number.isNaN(term)) this.missing[index]!++;
    else if (fitsOrderFreeSum(term)) exchangeTerm(this.rows, at, 0, term);
    else this.huge[index]!++;
  }

  private grow(portfolios: number): void {
    const wider = <A extends Float64Array | Int32Array | Uint8Array>(to: A, from: A): A => {
      to.set(from);
      return to;
    };
    this.rows = wider(new Float64Array(portfolios * width), this.rows);
    this.pending = wider(new Float64Array(portfolios * pendingWidth), this.pending);
    this.pendingCounts = wider(new Uint8Array(portfolios), this.pendingCounts);
    this.dirty = wider(new Uint8Array(portfolios), this.dirty);
    this.isPatient = wider(new Uint8Array(portfolios), this.isPatient);
    this.missing = wider(new Int32Array(portfolios), this.missing);
    this.huge = wider(new Int32Array(portfolios), this.huge);
    this.touchedAt = wider(new Float64Array(portfolios), this.touchedAt);
  }
}
