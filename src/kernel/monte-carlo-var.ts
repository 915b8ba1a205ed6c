import { cholesky, type PsdRepair } from './cholesky.js';
import { type EmpiricalTailOptions, type Tail, tailInPlace } from './empirical-tail.js';
import { quantileStandardError } from './quantile-standard-error.js';
import { replicateStandardError } from './replicate-standard-error.js';
import { requireFinite } from './require-finite.js';
import { type Sampling, simulatePaths } from './simulate-paths.js';
import { sobolReplicates } from './sobol-normals.js';
import type { SymmetricMatrix } from './symmetric-matrix.js';

export interface MonteCarloSpec {
  /** One-day covariance of the asset returns. */
  readonly covariance: SymmetricMatrix;
  /** Money or weight per asset. */
  readonly exposures: ArrayLike<number>;
  readonly confidence: number;
  /** One-day mean returns; default all 0. */
  readonly means?: ArrayLike<number>;
  readonly horizonDays?: number;
  readonly paths?: number;
  readonly seed?: number;
  /** Student's t with this many degrees of freedom (> 2), scaled to the covariance; default normal. */
  readonly degreesOfFreedom?: number | null;
  readonly antithetic?: boolean;
  /** `sobol`: randomised quasi-Monte Carlo, for a power of two of paths from 4,096. */
  readonly sampling?: Sampling;
  /**
   * Form every asset's return on every path instead of the projection onto the exposures; the answer is the same.
   */
  readonly fullScenarios?: boolean;
  readonly tail?: EmpiricalTailOptions;
}

export interface MonteCarloTail extends Tail {
  readonly paths: number;
  readonly seed: number;
  /** Of the VaR; `null` when there are too few paths to tell. */
  readonly standardError: number | null;
  readonly repair: PsdRepair;
}

/**
 * Monte Carlo value at risk and expected shortfall of a linear portfolio under normal or Student t returns, from
 * seeded paths (same specification, same bits). A t path has one χ² for all assets: a multivariate t, which keeps
 * the joint tail; independent ones would diversify it away (Glasserman, "Monte Carlo Methods in Financial
 * Engineering", 9.2–9.3). P&L = e′(μ·h + √h·s·L·z) with Σ = L·L′ and s = 1, or √((ν−2)/χ²_ν) for t; see `simulatePaths`.
 *
 * @returns losses positive, in the unit of the exposures
 * @throws RangeError on non-finite input, degrees of freedom ≤ 2, confidence outside (0, 1), a negative variance
 */
export function monteCarloVar(spec: MonteCarloSpec): MonteCarloTail {
  const { covariance, exposures, confidence, paths = 100_000, seed = 1, antithetic = false } = spec;
  const { sampling = 'pseudo_random' } = spec;
  const { horizonDays = 1, degreesOfFreedom = null, means = new Float64Array(covariance.size) } = spec;
  requireFinite(exposures, 'exposures');
  requireFinite(means, 'means');
  if (!(horizonDays > 0 && horizonDays < Infinity)) throw new RangeError(`horizon is ${horizonDays} days`);
  if (degreesOfFreedom !== null && !(degreesOfFreedom > 2 && degreesOfFreedom < Infinity)) {
    throw new RangeError(
      `degrees of freedom are ${degreesOfFreedom}, not more than 2: the variance does not exist`,
    );
  }
  const factor = cholesky(covariance);
  const assets = spec.fullScenarios
    ? Array.from({ length: covariance.size }, () => new Float64Array(paths))
    : undefined;
  const pnl = simulatePaths(
    { factor, means, exposures, horizonDays, paths, seed, degreesOfFreedom, antithetic, sampling },
    assets,
  );
  const standardError =
    sampling === 'sobol'
      ? replicateStandardError(pnl, confidence, sobolReplicates)
      : quantileStandardError(pnl, confidence, antithetic);
  return { ...tailInPlace(pnl, confidence, spec.tail), paths, seed, standardError, repair: factor.repair };
}
