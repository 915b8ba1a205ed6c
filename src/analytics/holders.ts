/** A position as its portfolio sees it. */
export interface HeldPosition {
  readonly symbol: number;
  /** Place in the {@link Holders} of the symbol; moves when another holder leaves. */
  slot: number;
  /** Conversion from the symbol's currency to the portfolio's, and the place among its dependents; −1 for none. */
  readonly conversion: number;
  dependent: number;
  /** Portfolio, dense. */
  readonly portfolio: number;
}

/** Who holds one symbol: what a tick walks over, side by side in memory. */
export class Holders {
  count = 0;
  portfolios = new Int32Array(4);
  quantities = new Float64Array(4);
  conversions = new Int32Array(4);
  /** quantity × price × rate, in the portfolio's currency; NaN while price or rate are unknown. */
  terms = new Float64Array(4);
  private readonly positions: HeldPosition[] = [];

  /** The position's slot is set. Its term starts as NaN. */
  add(position: HeldPosition, quantity: number): void {
    const slot = this.count;
    if (slot === this.portfolios.length) this.grow();
    this.portfolios[slot] = position.portfolio;
    this.quantities[slot] = quantity;
    this.conversions[slot] = position.conversion;
    this.terms[slot] = Number.NaN;
    this.positions[slot] = position;
    position.slot = slot;
    this.count++;
  }

  /** The last holder takes the free slot. */
  remove(slot: number): void {
    const last = --this.count;
    const moved = this.positions.pop()!;
    if (slot === last) return;
    this.portfolios[slot] = this.portfolios[last]!;
    this.quantities[slot] = this.quantities[last]!;
    this.conversions[slot] = this.conversions[last]!;
    this.terms[slot] = this.terms[last]!;
    this.positions[slot] = moved;
    moved.slot = slot;
  }

  private grow(): void {
    const length = this.portfolios.length * 2;
    const wider = <A extends Int32Array | Float64Array>(to: A, from: A): A => {
      to.set(from);
      return to;
    };
    this.portfolios = wider(new Int32Array(length), this.portfolios);
    this.quantities = wider(new Float64Array(length), this.quantities);
    this.conversions = wider(new Int32Array(length), this.conversions);
    this.terms = wider(new Float64Array(length), this.terms);
  }
}
