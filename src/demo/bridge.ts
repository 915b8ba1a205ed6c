import { normal } from './seeded-random.js';

/** What is known of one instrument on one day. */
export interface DayRange {
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
}

/** Fewest prices that can touch all four. */
export const minSteps = 4;

/** Prices are quoted in cents; the four real prices are kept as they are. */
const tickSize = 0.01;

/**
 * A day's prices as they may have been: begins at the open, ends at the close, touches the real high and the real low
 * and never leaves them. Between these four points runs a Brownian bridge whose spread follows the day's range,
 * reflected at high and low.
 * @param steps number of prices, at least {@link minSteps}
 * @param random uniform numbers in [0, 1)
 */
export function bridgeDay(day: DayRange, steps: number, random: () => number): Float64Array {
  if (steps < minSteps) throw new RangeError(`a day needs at least ${minSteps} steps, not ${steps}`);
  const { open, high, low, close } = day;
  const prices = new Float64Array(steps);
  const [first, second] = twoBetween(1, steps - 2, random);
  const highFirst = random() < 0.5;
  const points: readonly (readonly [number, number])[] = [
    [0, open],
    [first, highFirst ? high : low],
    [second, highFirst ? low : high],
    [steps - 1, close],
  ];
  const sigma = (high - low) / (2 * Math.sqrt(steps));
  for (let leg = 0; leg < points.length - 1; leg++) {
    const [from, start] = points[leg]!;
    const [to, end] = points[leg + 1]!;
    prices[from] = start;
    let price = start;
    for (let i = from + 1; i < to; i++) {
      // One step of a bridge: towards the end, with the variance that is left to it.
      const left = to - i + 1;
      price += (end - price) / left + sigma * Math.sqrt((left - 1) / left) * normal(random);
      price = reflect(price, low, high);
      prices[i] = onGrid(price, low, high);
    }
  }
  prices[steps - 1] = close;
  return prices;
}

/** Two different whole numbers from `from` to `to`, the smaller first. */
function twoBetween(from: number, to: number, random: () => number): [number, number] {
  const count = to - from + 1;
  const a = from + Math.floor(random() * count);
  const b = from + ((a - from + 1 + Math.floor(random() * (count - 1))) % count);
  return a < b ? [a, b] : [b, a];
}

function reflect(price: number, low: number, high: number): number {
  const once = price > high ? 2 * high - price : price < low ? 2 * low - price : price;
  return Math.min(high, Math.max(low, once));
}

function onGrid(price: number, low: number, high: number): number {
  const rounded = Math.round(price / tickSize) / Math.round(1 / tickSize);
  return Math.min(high, Math.max(low, rounded));
}
