import { historicalVar } from './historical-var.js';
import { portfolioReturns } from './portfolio-returns.js';
import { type QuantileType, quantilePosition } from './quantile-position.js';
import { tailProbability } from './tail-probability.js';
import { fromMarginals, type VarComponents } from './var-components.js';

/**
 * Components of VaR from scenarios: the loss of each position in the very scenario(s) that VaR is read from, so
 * they sum to it exactly (Hallerbach 2003). `smoothing` > 0 averages the scenarios of as many ranks on either side
 * and scales the result to the total: less noise for simulated paths.
 *
 * @param returns one array per asset: historical or simulated returns over the horizon
 * @param exposures money or weight per asset
 * @returns losses positive, in the unit of the exposures
 * @throws RangeError on sizes that differ, no scenarios, confidence outside (0, 1)
 */
export function empiricalComponents(
  returns: readonly ArrayLike<number>[],
  exposures: ArrayLike<number>,
  confidence: number,
  quantileType: QuantileType = 7,
  smoothing = 0,
): VarComponents {
  const pnl = portfolioReturns(returns, exposures);
  const alpha = tailProbability(confidence);
  const { lower, upper, weight } = quantilePosition(pnl.length, alpha, quantileType);
  const order = Array.from(pnl.keys()).sort((a, b) => pnl[a]! - pnl[b]!);
  const total = historicalVar(pnl, confidence, quantileType);
  const first = Math.max(0, lower - smoothing);
  const last = Math.min(pnl.length - 1, upper + smoothing);
  const shares = new Float64Array(last - first + 1);
  if (smoothing > 0) shares.fill(1 / shares.length);
  else {
    shares[0] = 1 - weight;
    shares[last - first] = shares[last - first]! + weight;
  }
  const scenarios = order.slice(first, last + 1);
  const marginal = Float64Array.from(
    returns,
    (r) => -scenarios.reduce((sum, t, k) => sum + shares[k]! * r[t]!, 0),
  );
  const sum = marginal.reduce((s, m, i) => s + m * exposures[i]!, 0);
  if (smoothing > 0 && sum !== 0)
    for (let i = 0; i < marginal.length; i++) marginal[i] = marginal[i]! * (total / sum);
  const rest = new Float64Array(pnl.length);
  const incremental = Float64Array.from(returns, (r, i) => {
    for (let t = 0; t < rest.length; t++) rest[t] = pnl[t]! - exposures[i]! * r[t]!;
    return total - historicalVar(rest, confidence, quantileType);
  });
  return fromMarginals(total, exposures, marginal, incremental);
}
