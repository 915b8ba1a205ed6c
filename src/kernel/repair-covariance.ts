import { cholesky, type PsdRepair } from './cholesky.js';
import type { SymmetricMatrix } from './symmetric-matrix.js';

/**
 * The matrix itself where it is a covariance (singular or not), otherwise the one that {@link cholesky} repairs it to:
 * no portfolio has a negative variance under the answer beyond rounding.
 *
 * @throws RangeError when an entry is not finite or a variance is negative
 * @example repairCovariance({ size: 2, data: Float64Array.of(1, 2, 2, 1) }).repair // 'clipped_eigenvalues'
 */
export function repairCovariance(matrix: SymmetricMatrix): {
  readonly matrix: SymmetricMatrix;
  readonly repair: PsdRepair;
} {
  const { size: n, lower, repair } = cholesky(matrix);
  if (repair !== 'clipped_eigenvalues') return { matrix, repair };
  const data = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = 0;
      for (let k = 0; k <= j; k++) sum += lower[i * n + k]! * lower[j * n + k]!;
      data[i * n + j] = sum;
      data[j * n + i] = sum;
    }
  }
  return { matrix: { size: n, data }, repair };
}
