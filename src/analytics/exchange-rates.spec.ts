import { describe, expect, it } from '@jest/globals';
import { ExchangeRates } from './exchange-rates.js';

function rates(...pairs: [string, number][]): ExchangeRates {
  const all = new ExchangeRates();
  for (const [pair, rate] of pairs) all.update({ base: pair.slice(0, 3), quote: pair.slice(3) }, rate, 1_000);
  return all;
}

describe('ExchangeRates', () => {
  it('names the pairs that a rate is made from: none, the pair, its inverse, two over a pivot', () => {
    const all = rates(['EURUSD', 1.25], ['USDJPY', 100], ['EURCHF', 0.9]);
    expect(all.pairs('USD', 'USD')).toEqual([]);
    expect(all.pairs('EUR', 'USD')).toEqual([{ pair: 'EURUSD', inverse: false }]);
    expect(all.pairs('JPY', 'USD')).toEqual([{ pair: 'USDJPY', inverse: true }]);
    expect(all.pairs('EUR', 'JPY')).toEqual([
      { pair: 'EURUSD', inverse: false },
      { pair: 'USDJPY', inverse: false },
    ]);
    // No pair joins CHF and USD: over EUR.
    expect(all.pairs('CHF', 'USD')).toEqual([
      { pair: 'EURCHF', inverse: true },
      { pair: 'EURUSD', inverse: false },
    ]);
    expect(all.pairs('GBP', 'USD')).toEqual([]);
  });

  it('the pairs multiply to the rate, for every two currencies', () => {
    const quoted: Record<string, number> = { EURUSD: 1.25, USDJPY: 100, EURCHF: 0.9, GBPEUR: 1.2 };
    const all = rates(...Object.entries(quoted));
    const currencies = ['USD', 'EUR', 'JPY', 'CHF', 'GBP'];
    for (const from of currencies) {
      for (const to of currencies) {
        const rate = all.rate(from, to);
        if (Number.isNaN(rate)) {
          expect(all.pairs(from, to)).toEqual([]);
          continue;
        }
        const product = all
          .pairs(from, to)
          .reduce((x, { pair, inverse }) => (inverse ? x / quoted[pair]! : x * quoted[pair]!), 1);
        expect(product).toBeCloseTo(rate, 12);
      }
    }
  });

  it('a direct pair goes before its inverse, and USD before EUR', () => {
    const all = rates(['GBPUSD', 1.3], ['USDGBP', 0.7], ['GBPEUR', 1.1], ['EURSEK', 11], ['USDSEK', 10]);
    expect(all.pairs('GBP', 'USD')).toEqual([{ pair: 'GBPUSD', inverse: false }]);
    expect(all.rate('GBP', 'USD')).toBe(1.3);
    expect(all.pairs('GBP', 'SEK').map(({ pair }) => pair)).toEqual(['GBPUSD', 'USDSEK']);
  });

  it('an older price changes nothing, an equal one is no change', () => {
    const all = rates(['EURUSD', 1.25]);
    const pair = { base: 'EUR', quote: 'USD' };
    expect(all.update(pair, 2, 999)).toBe(false);
    expect(all.update(pair, 1.25, 2_000)).toBe(false);
    expect(all.quote('EUR', 'USD')).toEqual({ rate: 1.25, tsMs: 2_000 });
    expect(all.update(pair, 2, 2_000)).toBe(true);
  });
});
