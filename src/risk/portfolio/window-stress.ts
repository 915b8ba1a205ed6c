import type { UsedPair } from '../../analytics/portfolio-book.js';
import { historicalStress } from '../../kernel/historical-stress.js';
import { alignCloses, isoDay } from '../history/align-closes.js';
import type { Closes } from '../history/close-history.js';
import { fractionReason } from '../provenance.js';
import type { PortfolioExposures } from './portfolio-exposures.js';

/** Days read per symbol: more than thirty years. */
export const historyDays = 10_000;
/** An exchange rate without a close on a day is its last one, at most so many days old. */
const rateAgeDays = 7;

/** Days from one to another, inclusive, as `YYYY-MM-DD`. */
export interface Window {
  readonly name: string;
  readonly from: string;
  readonly to: string;
  readonly what: string | null;
}

/** The pairs that convert each symbol, in the order of the portfolio's symbols. */
type Conversions = readonly (readonly UsedPair[])[];

const epochDay = (iso: string): number => Date.parse(iso) / 86_400_000;

/** The names under which closes of an exchange rate may be stored. */
function spellings(pair: string): string[] {
  const [base, quote] = [pair.slice(0, 3), pair.slice(3)];
  return ['', 'FX:'].flatMap((prefix) => ['', '/', '-', '_'].map((by) => prefix + base + by + quote));
}

const pairsOf = (conversions: Conversions): string[] => [
  ...new Set(conversions.flatMap((used) => used.map(({ pair }) => pair))),
];

/** Symbols whose closes tell how the exchange rates moved. */
export const rateSymbols = (conversions: Conversions): string[] => pairsOf(conversions).flatMap(spellings);

/**
 * What today's holdings would have lost over a window, in the portfolio's currency: closes move, and so do the exchange
 * rates whose closes cover the window; the answer names those that do not.
 */
export function windowAnswer(
  { name, from, to, what }: Window,
  known: PortfolioExposures,
  conversions: Conversions,
  all: readonly Closes[],
) {
  const [first, last] = [epochDay(from), epochDay(to)];
  const inside = known.symbols.map((symbol) => clip(symbol, all, first, last));
  const missing = known.symbols.filter((_, i) => inside[i]!.days.length < 2);
  const about = { name, kind: 'historical_window', from, to, ...(what === null ? {} : { what }) };
  if (missing.length > 0 || known.symbols.length === 0) {
    const reason =
      known.symbols.length === 0
        ? 'the portfolio holds nothing'
        : `no closes within the window for ${missing.join(', ')}`;
    return { ...about, loss: null, loss_fraction: null, reason };
  }
  const { days, closes } = alignCloses(known.symbols, inside, historyDays);
  if (days.length < 2) return { ...about, loss: null, loss_fraction: null, reason: 'no two common days' };
  const pairs = pairsOf(conversions);
  const rates = new Map<string, Float64Array>();
  for (const pair of pairs) {
    const rate = rateOn(days, pair, all);
    if (rate) rates.set(pair, rate);
  }
  const stress = historicalStress(
    closes.map((c, i) => converted(c, conversions[i]!, rates)),
    known.exposures,
  );
  const held = pairs.filter((pair) => !rates.has(pair));
  return {
    ...about,
    ...lossAnswer(stress.loss, stress.contributions, known),
    worst_loss: stress.worstLoss,
    worst_day: isoDay(days[stress.worstIndex]!),
    first_day: isoDay(days[0]!),
    last_day: isoDay(days[days.length - 1]!),
    observations: days.length - 1,
    ...(rates.size === 0
      ? {}
      : {
          fx_moved: [...rates.keys()],
          fx_rule: `an exchange rate is that of the day, or the last of the ${rateAgeDays} days before it`,
        }),
    ...(held.length === 0
      ? {}
      : {
          fx_held: held,
          fx: `exchange rates are held at today's where no closes of them cover the window: ${held.join(', ')}`,
        }),
  };
}

function clip(symbol: string, all: readonly Closes[], first: number, last: number): Closes {
  const found = all.find((c) => c.symbol === symbol);
  if (!found) return { symbol, days: new Int32Array(0), closes: new Float64Array(0) };
  let start = 0;
  while (start < found.days.length && found.days[start]! < first) start++;
  let end = start;
  while (end < found.days.length && found.days[end]! <= last) end++;
  return { symbol, days: found.days.subarray(start, end), closes: found.closes.subarray(start, end) };
}

/** The rate of a pair on each day, by the spelling whose closes cover them; `null` where none does. */
function rateOn(days: Int32Array, pair: string, all: readonly Closes[]): Float64Array | null {
  for (const symbol of spellings(pair)) {
    const { days: known, closes } = clip(symbol, all, days[0]! - rateAgeDays, days[days.length - 1]!);
    let at = -1;
    const rate = new Float64Array(days.length);
    const covered = days.every((day, t) => {
      while (at + 1 < known.length && known[at + 1]! <= day) at++;
      rate[t] = closes[at] ?? Number.NaN;
      return at >= 0 && day - known[at]! <= rateAgeDays;
    });
    if (covered) return rate;
  }
  return null;
}

/** Closes in the portfolio's currency, as far as the rates are known. */
function converted(
  closes: Float64Array,
  used: readonly UsedPair[],
  rates: ReadonlyMap<string, Float64Array>,
): Float64Array {
  return closes.map((close, t) =>
    used.reduce((value, { pair, inverse }) => {
      const rate = rates.get(pair)?.[t] ?? 1;
      return inverse ? value / rate : value * rate;
    }, close),
  );
}

/** A loss in money and as a fraction of the value, and what each position has to do with it. */
export const lossAnswer = (loss: number, contributions: Float64Array, known: PortfolioExposures) => ({
  loss: loss + 0,
  loss_fraction: known.value === 0 ? null : loss / Math.abs(known.value) + 0,
  ...(known.value === 0 ? { fraction_reason: fractionReason(0) } : {}),
  contributions: Object.fromEntries(known.symbols.map((symbol, i) => [symbol, contributions[i]! + 0])),
});
