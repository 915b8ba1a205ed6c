import type { UsedPair } from './portfolio-book.js';
import type { CurrencyPair } from './symbol-currencies.js';

/** Currencies through which a rate is found when no pair joins two directly, in this order. */
const pivots = ['USD', 'EUR'] as const;

export interface Quote {
  readonly rate: number;
  readonly tsMs: number;
}

const same: Quote = { rate: 1, tsMs: Number.NEGATIVE_INFINITY };
const unknown: Quote = { rate: Number.NaN, tsMs: Number.NEGATIVE_INFINITY };

/** Exchange rates as their pairs tick: the newest by source time, the later arrival among equals. */
export class ExchangeRates {
  private readonly rates = new Map<string, Quote>();

  /** @returns whether the rate changed */
  update({ base, quote }: CurrencyPair, rate: number, tsMs: number): boolean {
    const key = base + quote;
    const known = this.rates.get(key);
    if (known && tsMs < known.tsMs) return false;
    this.rates.set(key, { rate, tsMs });
    return known?.rate !== rate;
  }

  /**
   * Units of `to` for one `from`: the pair itself, else its inverse, else the same over USD, then EUR. Depends only
   * on the rates known now, not on the order in which they came.
   * @returns NaN when no rate is known
   */
  rate(from: string, to: string): number {
    return this.quote(from, to).rate;
  }

  /** {@link rate} with the source time of the newest pair in it; `−Infinity` where no pair was needed. */
  quote(from: string, to: string): Quote {
    const direct = this.quoted(from, to);
    if (!Number.isNaN(direct.rate)) return direct;
    for (const pivot of pivots) {
      const there = this.quoted(from, pivot);
      const on = this.quoted(pivot, to);
      const rate = there.rate * on.rate;
      if (!Number.isNaN(rate)) return { rate, tsMs: Math.max(there.tsMs, on.tsMs) };
    }
    return unknown;
  }

  /** The quoted pairs that {@link rate} is made from, in the order of the conversion. */
  pairs(from: string, to: string): readonly UsedPair[] {
    const direct = this.used(from, to);
    if (direct) return direct;
    for (const pivot of pivots) {
      const there = this.used(from, pivot);
      const on = this.used(pivot, to);
      if (there && on) return [...there, ...on];
    }
    return [];
  }

  private used(from: string, to: string): readonly UsedPair[] | undefined {
    if (from === to) return [];
    if (this.rates.has(from + to)) return [{ pair: from + to, inverse: false }];
    return this.rates.has(to + from) ? [{ pair: to + from, inverse: true }] : undefined;
  }

  private quoted(from: string, to: string): Quote {
    if (from === to) return same;
    const pair = this.rates.get(from + to);
    if (pair) return pair;
    const inverse = this.rates.get(to + from);
    return inverse ? { rate: 1 / inverse.rate, tsMs: inverse.tsMs } : unknown;
  }
}
