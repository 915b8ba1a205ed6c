import { chiSquareCdf } from './chi-square-cdf.js';

/** A likelihood-ratio test: statistic and the probability of one at least as large when the model is right. */
export interface LikelihoodRatioTest {
  readonly statistic: number;
  readonly pValue: number;
  readonly degreesOfFreedom: number;
}

/** A test that the data say nothing about. */
export interface UndefinedTest {
  readonly statistic: null;
  readonly pValue: null;
  readonly degreesOfFreedom: number;
  readonly reason: string;
}

/** −2·(null − alternative log-likelihood) with its χ² p-value; rounding below 0 is 0. */
export function likelihoodRatio(nullLog: number, alternativeLog: number, df: number): LikelihoodRatioTest {
  const statistic = Math.max(0, 2 * (alternativeLog - nullLog));
  return { statistic, pValue: chiSquareCdf(statistic, df).upper, degreesOfFreedom: df };
}

/** n·ln p with 0·ln 0 = 0. */
export function logLikelihood(count: number, probability: number): number {
  return count === 0 ? 0 : count * Math.log(probability);
}
