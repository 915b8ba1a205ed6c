import type { MarkedPosition, Portfolio } from '../domain/portfolio.js';

/** A portfolio marked to the latest prices. */
export interface MarkedPortfolio {
  readonly portfolio: Portfolio;
  /** Sum of the market values; `null` while a held symbol has no price or FX rate or nothing is held, with the reason. */
  readonly value: number | null;
  readonly reason: string | null;
  readonly positions: readonly MarkedPosition[];
  /** Source time of the newest price in it, Unix ms; `null` before the first. */
  readonly asOfMs: number | null;
  /** Grows with every change of price or position of this portfolio: the data version for caches. */
  readonly version: number;
}

/** A quoted exchange rate in a conversion, by base and quote, as `EURUSD`. */
export interface UsedPair {
  readonly pair: string;
  /** The conversion divides by the quoted rate. */
  readonly inverse: boolean;
}

/**
 * What later stages may ask of the engine: the current marks. Prices arrive in `symbol → latest` form, so that risk
 * can follow ticks without keeping its own copy.
 */
export abstract class PortfolioBook {
  abstract marked(portfolioId: string): MarkedPortfolio | undefined;
  abstract portfolioIds(): Iterable<string>;
  /** Latest price of a symbol in its own currency. */
  abstract price(symbol: string): { readonly price: number; readonly tsMs: number } | undefined;
  /** Units of `currency` for one unit of the symbol's currency; `undefined` when no rate is known. */
  abstract fxRate(symbol: string, currency: string): number | undefined;
  /** The pairs that {@link fxRate} is made from; empty where the currencies are the same or no rate is known. */
  abstract fxPairs(symbol: string, currency: string): readonly UsedPair[];
}
