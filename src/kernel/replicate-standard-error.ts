import { rankStandardError } from './quantile-standard-error.js';
import { selectSmallest } from './select-smallest.js';
import { tailProbability } from './tail-probability.js';

/**
 * Standard error of a VaR from independent replicates of points that are not independent within one (L'Ecuyer and
 * Lemieux, "Recent advances in randomized quasi-Monte Carlo methods", 2002). How many paths of a replicate lie at or
 * below the common quantile varies from one to the next: that is the uncertainty of the quantile's rank, and the slope
 * of the ordered values turns it into money. Points so even that the counts are equal leave one rank.
 *
 * @param pnl the replicates' P&L one after the other, equally many each
 * @returns in the unit of `pnl`; `null` where a replicate has no path beyond its quantile
 */
export function replicateStandardError(
  pnl: Float64Array,
  confidence: number,
  replicates: number,
): number | null {
  const alpha = tailProbability(confidence);
  const each = pnl.length / replicates;
  if (each * alpha < 1) return null;
  const work = pnl.slice();
  const rank = Math.floor(pnl.length * alpha);
  const quantile = selectSmallest(work, rank);
  let mean = 0;
  let squares = 0;
  for (let r = 0; r < replicates; r++) {
    let count = 0;
    for (let p = r * each; p < (r + 1) * each; p++) if (pnl[p]! <= quantile) count++;
    const change = count - mean;
    mean += change / (r + 1);
    squares += change * (count - mean);
  }
  const spread = Math.sqrt((squares / (replicates - 1)) * replicates);
  return rankStandardError(work, rank, Math.max(1, spread));
}
