import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { DayRange } from './bridge.js';

/** One instrument on one real trading day. */
export interface DailyBar extends DayRange {
  /** Adjusted for splits and dividends. */
  readonly adjustedClose: number;
}

/** A day on which all instruments of the demo were traded. */
export interface MarketDay {
  /** `YYYY-MM-DD`, the exchange's date. */
  readonly date: string;
  readonly bars: Readonly<Record<string, DailyBar>>;
}

const msPerDay = 86_400_000;

/** Days since 1970-01-01. */
export const epochDay = (date: string): number => Date.parse(`${date}T00:00:00Z`) / msPerDay;

const require = createRequire(import.meta.url);

/** Instruments → the file of real daily prices, from the packages that carry them. */
const sources: Readonly<Record<string, () => string>> = {
  // Apple, 2013-05-13 to 2018-05-11 (ISC; from Yahoo Finance).
  AAPL: () => require.resolve('@observablehq/sample-datasets/aapl.csv'),
  // The S&P 500 index, 2000 to 2020 (BSD-3-Clause; from Yahoo Finance).
  SPX: () => join(dirname(require.resolve('vega-datasets')), '..', 'data', 'sp500-2000.csv'),
};

export const demoSymbols: readonly string[] = Object.keys(sources);

/**
 * Real daily prices of all demo instruments, oldest first, on the days that all of them have.
 * @throws Error when a file is not what it was
 */
export function readMarketDays(): MarketDay[] {
  const series = demoSymbols.map((symbol) => ({
    symbol,
    bars: parseDailyBars(readFileSync(sources[symbol]!(), 'utf8')),
  }));
  const [first, ...others] = series;
  const days: MarketDay[] = [];
  for (const date of first!.bars.keys()) {
    if (!others.every(({ bars }) => bars.has(date))) continue;
    days.push({
      date,
      bars: Object.fromEntries(series.map(({ symbol, bars }) => [symbol, bars.get(date)!])),
    });
  }
  return days.sort((a, b) => (a.date < b.date ? -1 : 1));
}

/**
 * Columns date, open, high, low, close, adjusted close; in any spelling of these names.
 * @throws Error when a column is missing or a price is none
 */
function parseDailyBars(csv: string): Map<string, DailyBar> {
  const [header = '', ...lines] = csv.trim().split(/\r?\n/);
  const names = header.split(',').map((name) => name.toLowerCase().replaceAll(/[^a-z]/g, ''));
  const column = (name: string): number => {
    const at = names.indexOf(name);
    if (at < 0) throw new Error(`daily prices without a column ${name}`);
    return at;
  };
  const at = {
    date: column('date'),
    open: column('open'),
    high: column('high'),
    low: column('low'),
    close: column('close'),
    adjusted: column('adjclose'),
  };
  const bars = new Map<string, DailyBar>();
  for (const line of lines) {
    const cells = line.split(',');
    const price = (index: number): number => Number(cells[index]);
    const bar = {
      open: price(at.open),
      high: price(at.high),
      low: price(at.low),
      close: price(at.close),
      adjustedClose: price(at.adjusted),
    };
    const { low, high } = bar;
    const valid =
      Object.values(bar).every((p) => Number.isFinite(p) && p > 0) &&
      [bar.open, bar.close].every((p) => low <= p && p <= high);
    if (!valid) throw new Error(`daily prices with a line that is none: ${line.slice(0, 80)}`);
    bars.set(cells[at.date]!, bar);
  }
  return bars;
}
