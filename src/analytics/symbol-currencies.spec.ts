import { describe, expect, it } from '@jest/globals';
import { SymbolCurrencies } from './symbol-currencies.js';

describe('SymbolCurrencies', () => {
  const currencies = new SymbolCurrencies('USD', 'SAP=EUR,XETR:*=EUR,XETR:SAPUSD=USD');

  it.each([
    ['AAPL', 'USD', null],
    ['SAP', 'EUR', null],
    ['XETR:ALV', 'EUR', null],
    ['EURUSD', 'USD', 'EUR'],
    ['EUR/JPY', 'JPY', 'EUR'],
    ['FX:GBP-USD', 'USD', 'GBP'],
    ['USDXOF', 'XOF', 'USD'],
    ['USD/RSD', 'RSD', 'USD'],
    ['BYNXOF', 'USD', null],
    ['BTCUSD', 'USD', null],
    ['BTC/EUR', 'EUR', null],
    ['GOOGL', 'USD', null],
    ['NVDUSD', 'USD', null],
  ])('gives %s the currency %s', (symbol, currency, base) => {
    const found = currencies.of(symbol);
    expect(found.currency).toBe(currency);
    expect(found.pair?.base ?? null).toBe(base);
  });
});
