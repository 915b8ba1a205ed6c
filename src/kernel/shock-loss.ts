/**
 * Loss of a linear portfolio under instantaneous relative moves: −Σ exposure_i · shock_i.
 *
 * @param shocks relative price change per asset: −0.2 is a fall by 20 %; not below −1
 * @returns a loss positive, in the unit of the exposures, with each position's part; parts sum to the loss
 * @throws RangeError when numbers differ, or a shock is not finite or below −1
 */
export function shockLoss(
  exposures: ArrayLike<number>,
  shocks: ArrayLike<number>,
): { readonly loss: number; readonly contributions: Float64Array } {
  if (exposures.length !== shocks.length)
    throw new RangeError(`${exposures.length} exposures, ${shocks.length} shocks`);
  const contributions = new Float64Array(exposures.length);
  let loss = 0;
  for (let i = 0; i < contributions.length; i++) {
    if (!(shocks[i]! >= -1 && shocks[i]! < Infinity)) throw new RangeError(`shock ${i} is ${shocks[i]}`);
    contributions[i] = 0 - exposures[i]! * shocks[i]!;
    loss += contributions[i]!;
  }
  return { loss, contributions };
}
