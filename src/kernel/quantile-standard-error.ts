import { selectSmallest } from './select-smallest.js';
import { pathsPerBlock } from './simulate-paths.js';
import { tailProbability } from './tail-probability.js';

/**
 * Standard error of a simulated VaR without assuming a density: half the distance between the order statistics one
 * binomial standard deviation √(n·α(1 − α)) below and above the quantile's rank (David and Nagaraja, "Order
 * Statistics", 7.1). With antithetic paths the variance of the count is taken over the pairs.
 *
 * @param pnl simulated P&L per path in the order of `simulatePaths`
 * @param antithetic whether paths p and p + 128 of each block of 256 are mirror images
 * @returns in the unit of `pnl`; `null` below 2 paths or where the interval leaves the sample
 */
export function quantileStandardError(
  pnl: ArrayLike<number>,
  confidence: number,
  antithetic = false,
): number | null {
  const n = pnl.length;
  const alpha = tailProbability(confidence);
  const rank = Math.floor(n * alpha);
  const work = Float64Array.from(pnl);
  if (n < 2) return null;
  const quantile = selectSmallest(work, Math.min(rank, n - 1));
  const both = antithetic ? pairsBelow(pnl, quantile) : alpha * alpha;
  const spread = Math.sqrt(Math.max(0, n * (alpha * (1 - alpha) + (both - alpha * alpha))));
  return rankStandardError(work, rank, spread);
}

/**
 * Deviation of an order statistic whose rank is uncertain by `spread`: the slope of the ordered values around it,
 * over four deviations where the sample reaches that far, since a slope over more of them is less noisy.
 *
 * @param work reordered
 * @returns `null` where the sample does not reach one deviation, or one rank, to either side
 */
export function rankStandardError(work: Float64Array, rank: number, spread: number): number | null {
  const reach = Math.min(rank, work.length - 1 - rank);
  const step = Math.min(Math.max(1, Math.round(4 * spread)), reach);
  if (step < Math.max(1, spread)) return null;
  const low = selectSmallest(work, rank - step);
  const high = selectSmallest(work, rank + step);
  return ((high - low) * (spread / step)) / 2;
}

/** Share of antithetic pairs of which both paths lie at or below the bound. */
function pairsBelow(pnl: ArrayLike<number>, bound: number): number {
  const half = pathsPerBlock / 2;
  let pairs = 0;
  let both = 0;
  for (let first = 0; first + half < pnl.length; first += pathsPerBlock) {
    for (let p = first; p < first + half && p + half < pnl.length; p++) {
      pairs++;
      if (pnl[p]! <= bound && pnl[p + half]! <= bound) both++;
    }
  }
  return pairs === 0 ? 0 : both / pairs;
}
