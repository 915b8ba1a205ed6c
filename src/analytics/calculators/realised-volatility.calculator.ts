import { periodsPerYear } from '../../kernel/periods-per-year.js';
import type { CalculatorInput, CalculatorResult, LightCalculator } from './calculator.js';

/** Lengths of bars, ms: the longest that still gives {@link barsWanted} of them is taken. */
const barLengths = [1_000, 5_000, 15_000, 60_000, 300_000, 900_000, 3_600_000, 86_400_000];
const barsWanted = 20;
const barsNeeded = 5;

/**
 * Realised volatility: the window is cut into bars of equal time, the last value of each bar that has one is its
 * close, and the squared log returns between successive closes are summed and scaled to a year by the mean spacing of
 * the closes. Unlike the standard deviation of the last 19 tick returns it does not depend on how often ticks come
 * (Andersen & Bollerslev, "Answering the skeptics", 1998).
 */
export const realisedVolatility: LightCalculator = {
  name: 'realised_volatility',
  description: 'annualised root of the summed squared log returns between bars of equal time; a fraction',
  version: '1',
  need: 20,
  compute,
};

function compute({ values, times }: CalculatorInput): CalculatorResult {
  let from = Number.POSITIVE_INFINITY;
  let to = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < times.length; i++) {
    if (values[i]! <= 0) return { value: null, reason: 'log returns need values above 0' };
    from = Math.min(from, times[i]!);
    to = Math.max(to, times[i]!);
  }
  const barMs = barLengths.findLast((length) => (to - from) / length >= barsWanted) ?? barLengths[0]!;
  const closes = new Map<number, number>();
  for (let i = 0; i < values.length; i++) closes.set(Math.floor(times[i]! / barMs), values[i]!);
  const bars = [...closes.keys()].sort((a, b) => a - b);
  if (bars.length < barsNeeded) {
    return { value: null, reason: `needs ${barsNeeded} bars of ${barMs} ms, has ${bars.length}` };
  }
  let squares = 0;
  for (let i = 1; i < bars.length; i++) {
    const r = Math.log(closes.get(bars[i]!)! / closes.get(bars[i - 1]!)!);
    squares += r * r;
  }
  const returns = bars.length - 1;
  const spacingMs = ((bars[returns]! - bars[0]!) * barMs) / returns;
  return {
    value: Math.sqrt((squares / returns) * periodsPerYear(spacingMs)),
    bar_ms: barMs,
    bars: bars.length,
  };
}
