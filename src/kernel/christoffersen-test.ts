import {
  type LikelihoodRatioTest,
  likelihoodRatio,
  logLikelihood,
  type UndefinedTest,
} from './likelihood-ratio.js';

export type IndependenceTest = (LikelihoodRatioTest | UndefinedTest) & {
  /** Days by yesterday's and today's state: 0 quiet, 1 exception. */
  readonly transitions: {
    readonly n00: number;
    readonly n01: number;
    readonly n10: number;
    readonly n11: number;
  };
};

/**
 * Christoffersen's test of independence (Int. Economic Review 39, 1998): does an exception today make one tomorrow
 * more likely? First-order Markov against one common rate, χ² with 1 degree of freedom, over n − 1 transitions.
 *
 * @param hits in time order, true where the loss exceeded VaR
 * @returns `null` with a reason where a day never followed an exception, or never a quiet day: one of the two rates
 *   that are compared does not exist then
 * @throws RangeError on fewer than 2 days
 */
export function christoffersenTest(hits: ArrayLike<boolean | number>): IndependenceTest {
  if (hits.length < 2) throw new RangeError(`independence: needs at least 2 days, has ${hits.length}`);
  const n = [0, 0, 0, 0];
  for (let t = 1; t < hits.length; t++) {
    const state = (hits[t - 1] ? 2 : 0) + (hits[t] ? 1 : 0);
    n[state] = n[state]! + 1;
  }
  const [n00, n01, n10, n11] = n as [number, number, number, number];
  const rate = (n01 + n11) / (hits.length - 1);
  const transitions = { n00, n01, n10, n11 };
  if (n10 + n11 === 0 || n00 + n01 === 0) {
    const which = n10 + n11 === 0 ? 'an exception' : 'a quiet day';
    const reason = `no day follows ${which}: there is nothing to compare`;
    return { statistic: null, pValue: null, degreesOfFreedom: 1, reason, transitions };
  }
  const after0 = n01 / (n00 + n01);
  const after1 = n11 / (n10 + n11);
  const test = likelihoodRatio(
    logLikelihood(n00 + n10, 1 - rate) + logLikelihood(n01 + n11, rate),
    logLikelihood(n00, 1 - after0) +
      logLikelihood(n01, after0) +
      logLikelihood(n10, 1 - after1) +
      logLikelihood(n11, after1),
    1,
  );
  return { ...test, transitions };
}
