import { cholesky, type PsdRepair } from '../../kernel/cholesky.js';
import { correlationMatrix } from '../../kernel/correlation-matrix.js';
import { symmetricEigen } from '../../kernel/symmetric-eigen.js';
import { type CovarianceSpec, estimateCovariance } from './estimate-covariance.js';
import { type ReturnPanel, seriesOf } from './return-panel.js';

export interface CovarianceTask extends CovarianceSpec {
  readonly kind: 'covariance';
  readonly panel: ReturnPanel;
}

export interface CovarianceFigures {
  readonly size: number;
  readonly covariance: Float64Array;
  /** NaN where a series has no variance. */
  readonly correlation: Float64Array;
  readonly shrinkage: number | null;
  readonly smallestEigenvalue: number;
  readonly largestEigenvalue: number;
  /** `null` for a singular matrix. */
  readonly conditionNumber: number | null;
  /** What a factorisation of it needs. */
  readonly repair: PsdRepair;
  readonly rank: number;
}

export function runCovarianceTask(task: CovarianceTask): CovarianceFigures {
  const { matrix, shrinkage } = estimateCovariance(seriesOf(task.panel), task);
  const { values } = symmetricEigen(matrix, false);
  const smallest = values[0] ?? 0;
  const largest = values[values.length - 1] ?? 0;
  const { repair, rank } = cholesky(matrix);
  const singular = smallest <= Number.EPSILON * matrix.size * Math.abs(largest);
  return {
    size: matrix.size,
    covariance: matrix.data,
    correlation: correlationMatrix(matrix).data,
    shrinkage,
    smallestEigenvalue: smallest,
    largestEigenvalue: largest,
    conditionNumber: singular ? null : largest / smallest,
    repair,
    rank,
  };
}
