/**
 * α = 1 − confidence, free of the binary rounding that makes 1 − 0.99 larger than 0.01 and would pick the wrong
 * order statistic of 1,000 scenarios. Correct for every confidence written with at most 15 decimals.
 *
 * @param confidence in (0, 1), e.g. 0.99; 95 or 1.5 is refused, not guessed at
 * @throws RangeError outside (0, 1)
 * @example tailProbability(0.99) // 0.01
 */
export function tailProbability(confidence: number): number {
  if (!(confidence > 0 && confidence < 1)) {
    throw new RangeError(`confidence is ${confidence}, not between 0 and 1`);
  }
  return Number((1 - confidence).toFixed(15)) || 1 - confidence;
}
