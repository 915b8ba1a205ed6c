import { currencyCodes } from '../domain/currency.js';

/** Currencies that market data quotes in most; one of them in a name of six letters tells `EURUSD` or `USDXOF` from a ticker. */
const common = new Set(
  (
    'AED ARS AUD BGN BHD BRL CAD CHF CLP CNH CNY COP CZK DKK EGP EUR GBP HKD HRK HUF IDR ILS INR ISK JPY KES KRW ' +
    'KWD KZT MAD MXN MYR NGN NOK NZD OMR PEN PHP PKR PLN QAR RON RUB SAR SEK SGD THB TND TRY TWD UAH USD UYU VND ZAR'
  ).split(' '),
);
/** Coins whose pairs are written without a separator, as in `BTCUSD`. */
const coins = new Set('ADA AVAX BCH BNB BTC DOGE DOT ETH LINK LTC MATIC SOL TRX XLM XMR XRP'.split(' '));

/** An exchange rate: units of `quote` for one `base`. */
export interface CurrencyPair {
  readonly base: string;
  readonly quote: string;
}

export interface SymbolCurrency {
  /** Currency in which the symbol's price is given. */
  readonly currency: string;
  /** Set when the symbol's price is an exchange rate between two currencies. */
  readonly pair: CurrencyPair | null;
}

/**
 * Which currency the price of a symbol is in. In this order: an entry of `SYMBOL_CURRENCIES` (a name, or a beginning
 * with `*`, the longest first); the quote currency of a pair (`EURUSD`, `EUR/USD`, `FX:EUR-USD`, `BTCUSD`, `BTC/EUR`);
 * the default. A pair of two ISO currencies is also an exchange rate.
 */
export class SymbolCurrencies {
  private readonly exact = new Map<string, string>();
  private readonly prefixes: [prefix: string, currency: string][] = [];

  /** @param entries `SAP=EUR,XETR:*=EUR`; validated by the settings schema */
  constructor(
    private readonly defaultCurrency = 'USD',
    entries = '',
  ) {
    for (const entry of entries.split(',').filter(Boolean)) {
      const [name = '', currency = ''] = entry.split('=');
      if (name.endsWith('*')) this.prefixes.push([name.slice(0, -1), currency]);
      else this.exact.set(name, currency);
    }
    this.prefixes.sort(([a], [b]) => b.length - a.length);
  }

  of(symbol: string): SymbolCurrency {
    const pair = pairOf(symbol);
    const named = this.exact.get(symbol) ?? this.prefixes.find(([prefix]) => symbol.startsWith(prefix))?.[1];
    if (named !== undefined) return { currency: named, pair: pair?.quote === named ? rateOf(pair) : null };
    return { currency: pair?.quote ?? this.defaultCurrency, pair: pair && rateOf(pair) };
  }
}

/** The pair a symbol names, of which at least the quote is a currency. */
function pairOf(symbol: string): CurrencyPair | null {
  const name = symbol.slice(symbol.lastIndexOf(':') + 1);
  const split = /^([A-Z]{2,6})[/_-]([A-Z]{3})$/.exec(name) ?? /^([A-Z]{3,5})([A-Z]{3})$/.exec(name);
  const [, base = '', quote = ''] = split ?? [];
  if (!isCurrency(quote)) return null;
  if (/[/_-]/.test(name) || (coins.has(base) && common.has(quote))) return { base, quote };
  return isCurrency(base) && (common.has(base) || common.has(quote)) ? { base, quote } : null;
}

/** The yuan that is traded outside of China has a code of its own on the markets only. */
const isCurrency = (code: string): boolean => currencyCodes.has(code) || common.has(code);

const rateOf = (pair: CurrencyPair): CurrencyPair | null => (isCurrency(pair.base) ? pair : null);
