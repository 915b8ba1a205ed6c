import { binomialCdf } from './binomial-cdf.js';

export interface TrafficLight {
  readonly zone: 'green' | 'yellow' | 'red';
  /** P(at most this many exceptions) when the VaR is right. */
  readonly cumulativeProbability: number;
  /** Addition to the capital multiplier of 3; only the 250-day, 99 % table defines it. */
  readonly plusFactor: number | null;
}

/**
 * The Basel Committee's traffic light ("Supervisory framework for the use of backtesting", 1996): yellow from a
 * cumulative binomial probability of 95 %, red from 99.99 %. For 250 days at 99 %: green 0–4, yellow 5–9, red from
 * 10 exceptions.
 *
 * @returns the zone, the cumulative probability it rests on, and the plus factor (`null` but for 250 days at 99 %)
 * @throws RangeError when exceptions exceed observations, or α is outside (0, 1)
 * @example baselTrafficLight(250, 5, 0.01) // { zone: 'yellow', plusFactor: 0.4, … }
 */
export function baselTrafficLight(
  observations: number,
  exceptions: number,
  tailProbability: number,
): TrafficLight {
  if (!(Number.isInteger(exceptions) && exceptions >= 0 && exceptions <= observations)) {
    throw new RangeError(`exceptions: ${exceptions} of ${observations}`);
  }
  if (!(tailProbability > 0 && tailProbability < 1))
    throw new RangeError(`tail probability: ${tailProbability}`);
  const cumulativeProbability = binomialCdf(exceptions, observations, tailProbability);
  const zone = cumulativeProbability < 0.95 ? 'green' : cumulativeProbability < 0.9999 ? 'yellow' : 'red';
  const table = observations === 250 && tailProbability === 0.01;
  return { zone, cumulativeProbability, plusFactor: table ? (plusFactors[exceptions] ?? 1) : null };
}

const plusFactors = [0, 0, 0, 0, 0, 0.4, 0.5, 0.65, 0.75, 0.85];
