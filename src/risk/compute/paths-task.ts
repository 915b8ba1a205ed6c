import { cholesky, type PsdRepair } from '../../kernel/cholesky.js';
import { simulatePaths } from '../../kernel/simulate-paths.js';
import type { SymmetricMatrix } from '../../kernel/symmetric-matrix.js';
import { type ReturnPanel, seriesOf } from './return-panel.js';

/** Simulates one-day asset returns into shared memory: the common random numbers of a live portfolio. */
export interface PathsTask {
  readonly kind: 'paths';
  readonly covariance: SymmetricMatrix;
  readonly means: Float64Array;
  readonly seed: number;
  /** Filled: one row of `observations` simulated returns per asset. */
  readonly into: ReturnPanel;
}

export function runPathsTask({ covariance, means, seed, into }: PathsTask): { readonly repair: PsdRepair } {
  const factor = cholesky(covariance);
  simulatePaths(
    {
      factor,
      means,
      exposures: new Float64Array(covariance.size),
      horizonDays: 1,
      paths: into.observations,
      seed,
      degreesOfFreedom: null,
      antithetic: false,
    },
    seriesOf(into),
  );
  return { repair: factor.repair };
}
