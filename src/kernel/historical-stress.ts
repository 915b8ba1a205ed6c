import { shockLoss } from './shock-loss.js';

export interface HistoricalStress {
  /** Over the whole window, first to last price. */
  readonly loss: number;
  readonly contributions: Float64Array;
  /** Largest loss at any day of the window against its start, ≥ 0, and the index of that day's price. */
  readonly worstLoss: number;
  readonly worstIndex: number;
}

/**
 * What today's exposures would have lost in a past window: quantities are held, so a position moves by its price's
 * change since the window's start.
 *
 * @param prices one array per asset over the window, equally long, > 0, oldest first
 * @param exposures money per asset today
 * @throws RangeError on fewer than 2 prices, unequal lengths, or a price that is not finite and positive
 */
export function historicalStress(
  prices: readonly ArrayLike<number>[],
  exposures: ArrayLike<number>,
): HistoricalStress {
  const days = prices[0]?.length ?? 0;
  if (days < 2) throw new RangeError(`stress window: needs at least 2 prices, has ${days}`);
  prices.forEach((p, i) => {
    if (p.length !== days) throw new RangeError(`series ${i} has ${p.length} prices, the first has ${days}`);
    for (let t = 0; t < days; t++) {
      if (!(p[t]! > 0 && p[t]! < Infinity)) throw new RangeError(`series ${i}: price ${t} is ${p[t]}`);
    }
  });
  const moves = (t: number): number[] => prices.map((p) => (p[t]! - p[0]!) / p[0]!);
  let worstLoss = 0;
  let worstIndex = 0;
  for (let t = 1; t < days; t++) {
    const { loss } = shockLoss(exposures, moves(t));
    if (loss > worstLoss) {
      worstLoss = loss;
      worstIndex = t;
    }
  }
  return { ...shockLoss(exposures, moves(days - 1)), worstLoss, worstIndex };
}
