/** Beyond 2⁵³ neighbouring doubles are more than 1 apart: not a quantity any more. */
export const maxQuantity = Number.MAX_SAFE_INTEGER;
/** Symbols that one portfolio may hold. */
export const maxPositions = 10_000;

/** A holding; negative quantity is a short position. */
export interface Position {
  readonly symbol: string;
  /** Units held; finite, any sign. */
  readonly quantity: number;
}

export interface Portfolio {
  /** 1–64 characters of `[A-Za-z0-9_.-]`. */
  readonly id: string;
  readonly name: string;
  /** ISO 4217 code in which the portfolio is valued. */
  readonly currency: string;
  readonly positions: readonly Position[];
  /** `seq` of the last change of this portfolio's positions; see {@link StoredTick.seq}. */
  readonly revision: number;
  readonly updatedAtMs: number;
}

/** A position marked to the latest price. `null` where no price has been seen: unknown is never 0. */
export interface MarkedPosition extends Position {
  readonly price: number | null;
  /** Source time of that price, Unix ms. */
  readonly priceTsMs: number | null;
  /** quantity × price × FX rate, in the portfolio's currency. */
  readonly marketValue: number | null;
}

/** A trade moves positions once per `id`. */
export interface Trade {
  readonly id: string;
  readonly tsMs: number;
  readonly symbol: string;
  readonly side: 'buy' | 'sell';
  /** Units, > 0. */
  readonly quantity: number;
  /** Per unit, in the instrument's currency, > 0. */
  readonly price: number;
}
