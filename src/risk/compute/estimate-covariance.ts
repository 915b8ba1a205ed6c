import { covarianceMatrix } from '../../kernel/covariance-matrix.js';
import { ewmaCovariance } from '../../kernel/ewma-covariance.js';
import { ledoitWolfCovariance } from '../../kernel/ledoit-wolf-covariance.js';
import type { SymmetricMatrix } from '../../kernel/symmetric-matrix.js';

export const covarianceEstimators = ['sample', 'ewma', 'ledoit_wolf'] as const;
export type CovarianceEstimator = (typeof covarianceEstimators)[number];

export interface CovarianceSpec {
  readonly estimator: CovarianceEstimator;
  readonly ddof: 0 | 1;
  readonly lambda: number;
}

export interface EstimatedCovariance {
  readonly matrix: SymmetricMatrix;
  /** Weight of the target; `null` where nothing is shrunk. */
  readonly shrinkage: number | null;
}

export function estimateCovariance(
  series: readonly ArrayLike<number>[],
  { estimator, ddof, lambda }: CovarianceSpec,
): EstimatedCovariance {
  switch (estimator) {
    case 'sample':
      return { matrix: covarianceMatrix(series, ddof), shrinkage: null };
    case 'ewma':
      return { matrix: ewmaCovariance(series, lambda), shrinkage: null };
    case 'ledoit_wolf': {
      const { size, data, shrinkage } = ledoitWolfCovariance(series);
      return { matrix: { size, data }, shrinkage };
    }
  }
}
