import type { PortfolioBook } from '../../analytics/portfolio-book.js';
import type { Portfolio } from '../../domain/portfolio.js';
import type { Refusal } from '../refusal.js';

/** A portfolio as risk sees it: money per symbol, in the portfolio's currency. */
export interface PortfolioExposures {
  readonly portfolio: Portfolio;
  readonly symbols: readonly string[];
  readonly quantities: Float64Array;
  readonly exposures: Float64Array;
  /** Sum of the exposures. */
  readonly value: number;
  /** Source time of the newest price in it, Unix ms; `null` without positions. */
  readonly asOfMs: number | null;
  /** Source time of the oldest price in it. */
  readonly oldestMs: number | null;
  /** Symbols that are not quoted in the portfolio's currency. */
  readonly foreign: readonly string[];
}

/** Beyond this a position is no money, and its square would leave the range of a double. */
const largestExposure = 1e60;

export type ExposureResult =
  | { readonly known: PortfolioExposures; readonly refusal: null }
  | { readonly known: null; readonly refusal: Refusal };

/**
 * @returns quantity × price × FX of every position, or which price or rate is missing; `undefined` for an unknown
 * id
 */
export function portfolioExposures(book: PortfolioBook, portfolioId: string): ExposureResult | undefined {
  const marked = book.marked(portfolioId);
  if (marked === undefined) return undefined;
  const { portfolio } = marked;
  const held = portfolio.positions.filter((p) => p.quantity !== 0);
  const exposures = new Float64Array(held.length);
  const missing: string[] = [];
  const foreign: string[] = [];
  let asOfMs: number | null = null;
  let oldestMs: number | null = null;
  held.forEach(({ symbol, quantity }, i) => {
    const quote = book.price(symbol);
    const rate = book.fxRate(symbol, portfolio.currency);
    if (quote === undefined || rate === undefined) {
      missing.push(quote === undefined ? symbol : `${symbol} (no FX rate into ${portfolio.currency})`);
      return;
    }
    if (rate !== 1) foreign.push(symbol);
    exposures[i] = quantity * quote.price * rate;
    asOfMs = Math.max(asOfMs ?? quote.tsMs, quote.tsMs);
    oldestMs = Math.min(oldestMs ?? quote.tsMs, quote.tsMs);
  });
  if (missing.length > 0) {
    const named = missing.slice(0, 5).join(', ');
    const more = missing.length > 5 ? ` and ${missing.length - 5} more` : '';
    return {
      known: null,
      refusal: { code: 'MISSING_PRICE', reason: `No price is known for ${named}${more}` },
    };
  }
  const beyond = held.filter((_, i) => !(Math.abs(exposures[i]!) <= largestExposure));
  if (beyond.length > 0) {
    const named = beyond.slice(0, 5).map((p) => p.symbol);
    return {
      known: null,
      refusal: {
        code: 'OUT_OF_RANGE',
        reason: `The value of ${named.join(', ')} is beyond ${largestExposure}`,
      },
    };
  }
  return {
    known: {
      portfolio,
      symbols: held.map((p) => p.symbol),
      quantities: Float64Array.from(held, (p) => p.quantity),
      exposures,
      value: exposures.reduce((a, b) => a + b, 0),
      asOfMs,
      oldestMs,
      foreign,
    },
    refusal: null,
  };
}
