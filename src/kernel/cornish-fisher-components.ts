import { centralMoments } from './central-moments.js';
import type { Shape } from './cornish-fisher-tail.js';
import { cornishFisherVar } from './cornish-fisher-var.js';
import { momentScale, scaledBy } from './moment-scale.js';
import { normalQuantile } from './normal-quantile.js';
import { portfolioReturns } from './portfolio-returns.js';
import { tailProbability } from './tail-probability.js';
import { fromMarginals, type VarComponents } from './var-components.js';

/**
 * Components of the Cornish-Fisher VaR: its derivative by each exposure through the portfolio's second, third and
 * fourth central moments, ∂m_k/∂e_i = k·E[x̃_i·P̃^(k−1)] (Boudt, Peterson, Croux, "Estimation and decomposition of
 * downside risk", J. Risk 11, 2008). They sum to the total because the expansion is homogeneous of degree 1.
 *
 * @param returns one array of one-day returns per asset, equally long
 * @param exposures money or weight per asset
 * @param ddof of the deviation; the shape uses population moments
 * @returns losses positive, in the unit of the exposures; a constant P&L has only its mean
 * @throws RangeError on no or unequally long series, NaN or an infinity
 */
export function cornishFisherComponents(
  returns: readonly ArrayLike<number>[],
  exposures: ArrayLike<number>,
  confidence: number,
  { horizonDays = 1, ddof = 1 }: { horizonDays?: number; ddof?: number } = {},
): VarComponents {
  const pnl = portfolioReturns(returns, exposures);
  const shape = shapeOf(pnl, ddof);
  const total = cornishFisherVar(shape, confidence, horizonDays).var;
  const marginal = marginals(
    returns,
    pnl,
    shape,
    normalQuantile(tailProbability(confidence)),
    horizonDays,
    ddof,
  );
  const rest = new Float64Array(pnl.length);
  const incremental = Float64Array.from(returns, (r, i) => {
    for (let t = 0; t < rest.length; t++) rest[t] = pnl[t]! - exposures[i]! * r[t]!;
    return total - cornishFisherVar(shapeOf(rest, ddof), confidence, horizonDays).var;
  });
  return fromMarginals(total, exposures, marginal, incremental);
}

/** Mean, deviation with `ddof`, population skewness and excess kurtosis (0 for a constant series). */
export function shapeOf(values: ArrayLike<number>, ddof = 1): Shape {
  const n = values.length;
  const scale = momentScale(values);
  const m = centralMoments(scaledBy(values, scale));
  const sigma2 = m.second;
  return {
    mean: m.mean * scale,
    standardDeviation: n > ddof ? Math.sqrt((sigma2 * n) / (n - ddof)) * scale : 0,
    skewness: sigma2 === 0 ? 0 : m.third / sigma2 ** 1.5,
    excessKurtosis: sigma2 === 0 ? 0 : m.fourth / (sigma2 * sigma2) - 3,
  };
}

/** A marginal has the unit of a return, so it is the same of the P&L divided by any scale. */
function marginals(
  returns: readonly ArrayLike<number>[],
  unscaled: Float64Array,
  shape: Shape,
  z: number,
  h: number,
  ddof: number,
): Float64Array {
  const n = unscaled.length;
  const pnl = scaledBy(unscaled, momentScale(unscaled));
  const { mean: centre, second: m2, third: m3, fourth: m4 } = centralMoments(pnl);
  const s = shape.skewness / Math.sqrt(h);
  const k = shape.excessKurtosis / h;
  // VaR = −h·μ − √h·σ·q(S, K); partial derivatives of q by S and K.
  const q = z + ((z * z - 1) * s) / 6 + (z * (z * z - 3) * k) / 24 - (z * (2 * z * z - 5) * s * s) / 36;
  const qs = (z * z - 1) / 6 - (z * (2 * z * z - 5) * s) / 18;
  const qk = (z * (z * z - 3)) / 24;
  const correction = Math.sqrt(n / (n - ddof));
  return Float64Array.from(returns, (r) => {
    let mean = 0;
    for (let t = 0; t < n; t++) mean += r[t]!;
    mean /= n;
    let d2 = 0;
    let d3 = 0;
    let d4 = 0;
    for (let t = 0; t < n; t++) {
      const x = r[t]! - mean;
      const p = pnl[t]! - centre;
      d2 += x * p;
      d3 += x * p * p;
      d4 += x * p * p * p;
    }
    d2 = (2 * d2) / n;
    // The mean's own move contributes −3·m₂·E[x̃] = 0 to the third moment and −4·m₃·E[x̃] = 0 to the fourth.
    d3 = (3 * d3) / n;
    d4 = (4 * d4) / n;
    if (m2 === 0) return -h * mean;
    const sigma = Math.sqrt(m2);
    const dSigma = d2 / (2 * sigma);
    const dS = (d3 / m2 ** 1.5 - (1.5 * m3 * d2) / m2 ** 2.5) / Math.sqrt(h);
    const dK = (d4 / (m2 * m2) - (2 * m4 * d2) / m2 ** 3) / h;
    return -h * mean - Math.sqrt(h) * correction * (dSigma * q + sigma * (qs * dS + qk * dK));
  });
}
