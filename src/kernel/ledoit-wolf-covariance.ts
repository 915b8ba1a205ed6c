import { gramMatrix } from './gram-matrix.js';
import { mean } from './mean.js';
import { requireAligned } from './require-aligned.js';
import type { SymmetricMatrix } from './symmetric-matrix.js';

export interface ShrunkCovariance extends SymmetricMatrix {
  /** Weight δ of the target in [0, 1]: Σ = (1 − δ)·S + δ·m·I. */
  readonly shrinkage: number;
}

/**
 * Ledoit and Wolf's shrinkage of the sample covariance S (population normalisation, 1/n) towards m·I, m the mean
 * variance: "A well-conditioned estimator for large-dimensional covariance matrices", J. Multivariate Analysis 88
 * (2004); scikit-learn's `LedoitWolf`. δ = min(b², d²)/d² with d² = ‖S − mI‖²/p and b² = Σ_t‖x_t x_t′ − S‖²/(p·n²).
 *
 * @param series one array per asset, equally long
 * @returns in products of the series' units, with the weight δ of the target; constant series give zeros and δ = 0
 * @throws RangeError on unequal lengths, no observation, NaN or an infinity
 */
export function ledoitWolfCovariance(series: readonly ArrayLike<number>[]): ShrunkCovariance {
  const n = requireAligned(series);
  const means = series.map((x) => mean(x));
  const { size, data } = gramMatrix(series, means);
  let trace = 0;
  let squares = 0;
  for (let i = 0; i < data.length; i++) {
    data[i] = data[i]! / n;
    squares += data[i]! * data[i]!;
  }
  for (let i = 0; i < size; i++) trace += data[i * size + i]!;
  const target = trace / size;
  const distance = squares - target * trace;
  const error = (fourthMoment(series, means) / n - squares) / n;
  const shrinkage = distance <= 0 ? 0 : Math.min(1, Math.max(0, error / distance));
  for (let i = 0; i < data.length; i++) data[i] = data[i]! * (1 - shrinkage);
  for (let i = 0; i < size; i++) data[i * size + i] = data[i * size + i]! + shrinkage * target;
  return { size, data, shrinkage };
}

/** Σ_t (x_t′x_t)². */
function fourthMoment(series: readonly ArrayLike<number>[], means: readonly number[]): number {
  const norms = new Float64Array(series[0]!.length);
  for (let i = 0; i < series.length; i++) {
    const x = series[i]!;
    for (let t = 0; t < norms.length; t++) norms[t] = norms[t]! + (x[t]! - means[i]!) ** 2;
  }
  return norms.reduce((sum, v) => sum + v * v, 0);
}
