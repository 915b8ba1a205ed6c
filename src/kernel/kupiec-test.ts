import { type LikelihoodRatioTest, likelihoodRatio, logLikelihood } from './likelihood-ratio.js';

/**
 * Kupiec's proportion-of-failures test (J. Derivatives 3, 1995): do exceptions come at the rate the VaR promises?
 * LR = −2 ln[(1−α)^(n−x) α^x / ((1−x/n)^(n−x) (x/n)^x)], χ² with 1 degree of freedom.
 *
 * @param exceptions days with a loss beyond VaR, 0 … observations
 * @param tailProbability α = 1 − confidence, in (0, 1)
 * @throws RangeError outside these domains
 * @example kupiecTest(1000, 10, 0.01).statistic // 0
 */
export function kupiecTest(
  observations: number,
  exceptions: number,
  tailProbability: number,
): LikelihoodRatioTest {
  if (!(Number.isInteger(observations) && observations > 0))
    throw new RangeError(`observations: ${observations}`);
  if (!(Number.isInteger(exceptions) && exceptions >= 0 && exceptions <= observations)) {
    throw new RangeError(`exceptions: ${exceptions} of ${observations}`);
  }
  if (!(tailProbability > 0 && tailProbability < 1))
    throw new RangeError(`tail probability: ${tailProbability}`);
  const rate = exceptions / observations;
  const quiet = observations - exceptions;
  return likelihoodRatio(
    logLikelihood(quiet, 1 - tailProbability) + logLikelihood(exceptions, tailProbability),
    logLikelihood(quiet, 1 - rate) + logLikelihood(exceptions, rate),
    1,
  );
}
