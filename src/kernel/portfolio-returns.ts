/**
 * P&L per scenario of a linear portfolio, Σ_i exposure_i · return_i[t]: exact for positions in instruments whose
 * value is quantity × price, with simple returns.
 *
 * @param returns one array of simple returns per asset, equally long
 * @param exposures weight or money per asset
 * @throws RangeError when their numbers or lengths differ
 * @example portfolioReturns([[0.1, 0.2], [0, 0.4]], [0.5, 0.5]) // [0.05, 0.3]
 */
export function portfolioReturns(
  returns: readonly ArrayLike<number>[],
  exposures: ArrayLike<number>,
): Float64Array {
  const assets = returns.length;
  if (assets !== exposures.length) throw new RangeError(`${assets} series, ${exposures.length} exposures`);
  const rows = returns[0]?.length ?? 0;
  for (let i = 1; i < assets; i++) {
    if (returns[i]!.length !== rows) {
      throw new RangeError(`series ${i} has ${returns[i]!.length} values, the first has ${rows}`);
    }
  }
  const out = new Float64Array(rows);
  let i = 0;
  // Four assets at a time: one pass over `out` instead of four.
  for (; i + 3 < assets; i += 4) {
    const [a, b, c, d] = [returns[i]!, returns[i + 1]!, returns[i + 2]!, returns[i + 3]!];
    const [u, v, w, x] = [exposures[i]!, exposures[i + 1]!, exposures[i + 2]!, exposures[i + 3]!];
    for (let t = 0; t < rows; t++) out[t] = out[t]! + (u * a[t]! + v * b[t]! + (w * c[t]! + x * d[t]!));
  }
  for (; i < assets; i++) {
    const a = returns[i]!;
    const u = exposures[i]!;
    for (let t = 0; t < rows; t++) out[t] = out[t]! + u * a[t]!;
  }
  return out;
}
