import { cholesky, type PsdRepair } from '../../kernel/cholesky.js';
import { simulatePaths } from '../../kernel/simulate-paths.js';
import type { SymmetricMatrix } from '../../kernel/symmetric-matrix.js';

/** Simulates one-day asset returns into shared memory: the common random numbers of a live portfolio. */
export interface PathsTask {
  readonly kind: 'paths';
  readonly covariance: SymmetricMatrix;
  readonly means: Float64Array;
  readonly seed: number;
  /** Filled: one row of `observations` simulated returns per asset, asset after asset. */
  readonly into: {
    readonly assets: number;
    readonly observations: number;
    readonly data: Float64Array | Float32Array;
  };
}

export function runPathsTask({ covariance, means, seed, into }: PathsTask): { readonly repair: PsdRepair } {
  const factor = cholesky(covariance);
  const { assets, observations, data } = into;
  const rows = Array.from({ length: assets }, (_, i) =>
    data.subarray(i * observations, (i + 1) * observations),
  );
  simulatePaths(
    {
      factor,
      means,
      exposures: new Float64Array(covariance.size),
      horizonDays: 1,
      paths: observations,
      seed,
      degreesOfFreedom: null,
      antithetic: false,
    },
    rows,
  );
  return { repair: factor.repair };
}
