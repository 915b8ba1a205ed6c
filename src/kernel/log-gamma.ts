/**
 * ln Γ(x) for x > 0: the argument is moved above 16 by the recurrence, then Stirling's series to the term in x⁻¹¹
 * (Abramowitz and Stegun 6.1.41). Relative error below 1e-14 away from the zeros at 1 and 2, absolute error below
 * 1e-14 near them.
 *
 * @throws RangeError for x ≤ 0 or NaN
 */
export function logGamma(x: number): number {
  if (!(x > 0)) throw new RangeError(`logGamma: ${x} is not positive`);
  if (x === 1 || x === 2) return 0;
  let product = 1;
  let y = x;
  while (y < 16) product *= y++;
  const s = 1 / (y * y);
  const series =
    (1 / 12 -
      s * (1 / 360 - s * (1 / 1260 - s * (1 / 1680 - s * (1 / 1188 - s * (691 / 360360 - s / 156)))))) /
    y;
  return (y - 0.5) * Math.log(y) - y + 0.9189385332046728 + series - Math.log(product);
}
