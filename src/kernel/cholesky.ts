import { symmetricEigen } from './symmetric-eigen.js';
import type { SymmetricMatrix } from './symmetric-matrix.js';

/**
 * What had to be done to a matrix before it had a factor.
 * - `none`: positive definite
 * - `semidefinite`: singular (a duplicate, a perfect hedge, a constant series, more assets than observations); zero
 *   pivots were taken as exact zeros, nothing was changed
 * - `clipped_eigenvalues`: not a covariance; negative eigenvalues were set to 0 and the variances restored
 */
export type PsdRepair = 'none' | 'semidefinite' | 'clipped_eigenvalues';

export interface CholeskyFactor {
  readonly size: number;
  /** Lower triangle L of Σ = L·L′, row by row, zeros above the diagonal. */
  readonly lower: Float64Array;
  readonly repair: PsdRepair;
  /** Non-zero pivots. */
  readonly rank: number;
}

/**
 * Cholesky factor of a covariance matrix that may be singular or, from rounding or hand, indefinite. The repair is
 * the spectral one (Rebonato and Jäckel 1999): eigenvalues clipped at 0, rows rescaled so that every variance stays
 * what it was.
 *
 * @throws RangeError when an entry is not finite or a variance is negative
 */
export function cholesky(matrix: SymmetricMatrix): CholeskyFactor {
  const direct = factor(matrix);
  if (direct) return direct;
  const repaired = factor(nearestPsd(matrix), 1e-7);
  if (!repaired) throw new RangeError('the covariance matrix could not be repaired');
  return { ...repaired, repair: 'clipped_eigenvalues' };
}

/** @returns undefined when a pivot or the rest of its column shows that the matrix is not semidefinite */
function factor({ size: n, data }: SymmetricMatrix, tolerance = 1e-10): CholeskyFactor | undefined {
  const lower = new Float64Array(n * n);
  const pivots = new Float64Array(n);
  let rank = 0;
  for (let i = 0; i < n; i++) {
    const variance = data[i * n + i]!;
    if (!(variance >= 0 && variance < Infinity))
      throw new RangeError(`the variance (${i}, ${i}) is ${variance}`);
    for (let j = 0; j <= i; j++) {
      let sum = data[i * n + j]!;
      for (let k = 0; k < j; k++) sum -= lower[i * n + k]! * lower[j * n + k]!;
      if (!Number.isFinite(sum)) throw new RangeError(`the covariance (${i}, ${j}) is not finite`);
      if (i === j) {
        if (sum < -tolerance * variance) return undefined;
        // A pivot of rounding size is the exact 0 of a singular matrix.
        if (sum > tolerance * variance) {
          pivots[i] = sum;
          lower[i * n + i] = Math.sqrt(sum);
          rank++;
        }
        continue;
      }
      const pivot = lower[j * n + j]!;
      if (pivot > 0) {
        // Not sum / pivot: a duplicate's row is to be the original's to the last bit, so that the two cancel to 0.
        lower[i * n + j] = (sum / pivots[j]!) * pivot;
      } else if (sum * sum > tolerance * variance * data[j * n + j]!) {
        return undefined;
      }
    }
  }
  return { size: n, lower, repair: rank === n ? 'none' : 'semidefinite', rank };
}

/** Eigenvalues clipped at 0, variances restored. */
function nearestPsd(matrix: SymmetricMatrix): SymmetricMatrix {
  const { size: n, data } = matrix;
  const { values, vectors } = symmetricEigen(matrix);
  const out = new Float64Array(n * n);
  for (let k = 0; k < n; k++) {
    const value = values[k]!;
    if (value <= 0) continue;
    const v = vectors.subarray(k * n, (k + 1) * n);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) out[i * n + j] = out[i * n + j]! + value * v[i]! * v[j]!;
    }
  }
  const scale = Float64Array.from({ length: n }, (_, i) => {
    const now = out[i * n + i]!;
    return now > 0 ? Math.sqrt(data[i * n + i]! / now) : 0;
  });
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) out[i * n + j] = out[i * n + j]! * scale[i]! * scale[j]!;
  }
  return { size: n, data: out };
}
