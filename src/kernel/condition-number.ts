import { symmetricEigen } from './symmetric-eigen.js';
import type { SymmetricMatrix } from './symmetric-matrix.js';

/**
 * Ratio of the largest to the smallest eigenvalue of a covariance matrix.
 *
 * @returns ≥ 1, or `null` for a singular or indefinite matrix (smallest eigenvalue not above rounding), where it is
 *   not finite
 * @throws RangeError when an entry is not finite
 */
export function conditionNumber(matrix: SymmetricMatrix): number | null {
  const { values } = symmetricEigen(matrix, false);
  const smallest = values[0] ?? 0;
  const largest = values[values.length - 1] ?? 0;
  return smallest > Number.EPSILON * matrix.size * Math.abs(largest) ? largest / smallest : null;
}
