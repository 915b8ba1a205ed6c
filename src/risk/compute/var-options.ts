import type { ShortfallEstimator } from '../../kernel/empirical-tail.js';
import type { QuantileType } from '../../kernel/quantile-position.js';
import type { Sampling } from '../../kernel/simulate-paths.js';

export const varMethods = [
  'historical',
  'parametric',
  'ewma',
  'cornish_fisher',
  'student_t',
  'monte_carlo',
] as const;
export type VarMethod = (typeof varMethods)[number];

/** Where the deviates of Monte Carlo come from. */
export const samplings = ['pseudo_random', 'sobol'] as const satisfies readonly Sampling[];

/** How a VaR is estimated. Every one of them is part of the answer's provenance. */
export interface VarOptions {
  readonly quantileType: QuantileType;
  readonly shortfall: ShortfallEstimator;
  readonly ddof: 0 | 1;
  /** Whether the sample mean of the returns enters, or 0. EWMA is about 0 by definition. */
  readonly mean: 'sample' | 'zero';
  readonly lambda: number;
  /** Degrees of freedom of Student's t; `null` where none were given (Monte Carlo: normal paths). */
  readonly df: number | null;
  readonly paths: number;
  readonly seed: number;
  readonly antithetic: boolean;
  readonly sampling: Sampling;
  readonly shrinkage: 'none' | 'ledoit_wolf';
}

export const defaultVarOptions: VarOptions = {
  quantileType: 7,
  shortfall: 'mean_beyond_var',
  ddof: 1,
  mean: 'sample',
  lambda: 0.94,
  df: null,
  paths: 100_000,
  seed: 1,
  antithetic: false,
  sampling: 'pseudo_random',
  shrinkage: 'none',
};

/** Paths by Sobol points when none are given: sixteen replicates of a power of two. */
export const defaultSobolPaths = 65_536;

/** Degrees of freedom of `student_t` when none are given: between the 3 to 6 that daily equity returns fit. */
export const defaultDegreesOfFreedom = 5;
