import { gramMatrix } from './gram-matrix.js';
import { requireAligned } from './require-aligned.js';
import type { SymmetricMatrix } from './symmetric-matrix.js';

/**
 * Exponentially weighted covariance about zero, Σ_k w_k r_i[n−1−k] r_j[n−1−k] with w_k = (1 − λ)λ^k / (1 − λ^n):
 * RiskMetrics (1996), the weights of the finite window normalised to 1. Its diagonal is `ewmaVariance`.
 *
 * @param series one array per asset, oldest first, equally long
 * @param lambda decay in (0, 1)
 * @returns in products of the series' units; a single observation gives its products
 * @throws RangeError on unequal lengths, no observation, NaN, an infinity, or λ outside (0, 1)
 */
export function ewmaCovariance(series: readonly ArrayLike<number>[], lambda = 0.94): SymmetricMatrix {
  const n = requireAligned(series);
  if (!(lambda > 0 && lambda < 1)) throw new RangeError(`lambda is ${lambda}, not between 0 and 1`);
  const total = -Math.expm1(n * Math.log(lambda)) / (1 - lambda);
  const rootWeights = new Float64Array(n);
  for (let t = 0; t < n; t++) rootWeights[t] = Math.sqrt(lambda ** (n - 1 - t) / total);
  return gramMatrix(series, new Float64Array(series.length), rootWeights);
}
