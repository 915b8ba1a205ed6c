import { gramMatrix } from './gram-matrix.js';
import { mean } from './mean.js';
import { requireAligned } from './require-aligned.js';
import type { SymmetricMatrix } from './symmetric-matrix.js';

/**
 * Sample covariance matrix Σ_t (x_i − x̄_i)(x_j − x̄_j) / (n − ddof). A constant series has a row of exact zeros;
 * equal series give a singular matrix, which everything here accepts.
 *
 * @param series one array per asset, equally long, observations in the same order
 * @param ddof 1 unbiased, 0 population
 * @param centre `zero` takes the products about 0 instead of the means
 * @returns in products of the series' units; a single observation has covariance 0 with `ddof` 0
 * @throws RangeError on unequal lengths, not more than `ddof` observations, NaN or an infinity
 * @example covarianceMatrix([[1, 2, 3], [1, 0, 5]]).data // [1, 2, 2, 7]
 */
export function covarianceMatrix(
  series: readonly ArrayLike<number>[],
  ddof = 1,
  centre: 'sample' | 'zero' = 'sample',
): SymmetricMatrix {
  const n = requireAligned(series, ddof + 1);
  const centres = series.map((x) => (centre === 'sample' ? mean(x) : 0));
  const { size, data } = gramMatrix(series, centres);
  const scale = 1 / (n - ddof);
  for (let i = 0; i < data.length; i++) data[i] = data[i]! * scale;
  return { size, data };
}
