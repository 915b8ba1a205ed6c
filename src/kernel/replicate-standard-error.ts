import { type EmpiricalTailOptions, tailInPlace } from './empirical-tail.js';
import { tailProbability } from './tail-probability.js';

/**
 * Standard error of a simulated VaR from independent replicates, s/√R with s the deviation of their R estimates (L'Ecuyer
 * and Lemieux, "Recent advances in randomized quasi-Monte Carlo methods", 2002): points within a replicate are not
 * independent, so their number says nothing of the error.
 *
 * @param pnl the replicates' P&L one after the other, equally many each
 * @returns in the unit of `pnl`; `null` where a replicate has no path beyond its quantile
 */
export function replicateStandardError(
  pnl: Float64Array,
  confidence: number,
  replicates: number,
  options: EmpiricalTailOptions = {},
): number | null {
  const each = pnl.length / replicates;
  if (each * tailProbability(confidence) < 1) return null;
  let mean = 0;
  let squares = 0;
  for (let r = 0; r < replicates; r++) {
    const { var: estimate } = tailInPlace(pnl.slice(r * each, (r + 1) * each), confidence, options);
    const change = estimate - mean;
    mean += change / (r + 1);
    squares += change * (estimate - mean);
  }
  return Math.sqrt(squares / (replicates - 1) / replicates);
}
