import { chiSquareCdf } from './chi-square-cdf.js';
import { christoffersenTest } from './christoffersen-test.js';
import { kupiecTest } from './kupiec-test.js';
import type { LikelihoodRatioTest, UndefinedTest } from './likelihood-ratio.js';

/**
 * Joint test of rate and independence (Christoffersen 1998): the sum of both statistics, χ² with 2 degrees of
 * freedom.
 *
 * @param hits in time order, true where the loss exceeded VaR
 * @param tailProbability α = 1 − confidence
 * @returns `null` with a reason where the test of independence is undefined
 * @throws RangeError on fewer than 2 days or α outside (0, 1)
 */
export function conditionalCoverageTest(
  hits: ArrayLike<boolean | number>,
  tailProbability: number,
): LikelihoodRatioTest | UndefinedTest {
  let exceptions = 0;
  for (let t = 0; t < hits.length; t++) if (hits[t]) exceptions++;
  const independence = christoffersenTest(hits);
  if (independence.statistic === null) {
    return { statistic: null, pValue: null, degreesOfFreedom: 2, reason: independence.reason };
  }
  const statistic = kupiecTest(hits.length, exceptions, tailProbability).statistic + independence.statistic;
  return { statistic, pValue: chiSquareCdf(statistic, 2).upper, degreesOfFreedom: 2 };
}
