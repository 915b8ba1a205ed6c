/**
 * Root of an increasing function by Newton's steps kept inside a bracket, bisected where Newton leaves it or
 * stalls.
 *
 * @param f value and derivative at x; the value is negative left of the root
 * @param start inside (lower, upper)
 */
export function solveIncreasing(
  f: (x: number) => { readonly value: number; readonly slope: number },
  start: number,
  lower: number,
  upper: number,
): number {
  let lo = lower;
  let hi = upper;
  let x = start;
  for (let i = 0; i < 200; i++) {
    const { value, slope } = f(x);
    if (value === 0) return x;
    if (value < 0) lo = x;
    else hi = x;
    let next = x - value / slope;
    if (!(next > lo && next < hi)) next = bisect(lo, hi, x);
    if (Math.abs(next - x) <= 2 * Number.EPSILON * Math.abs(next)) return next;
    x = next;
  }
  return x;
}

function bisect(lo: number, hi: number, x: number): number {
  if (lo === -Infinity) return x < 0 ? x * 2 : x - 1;
  if (hi === Infinity) return x > 0 ? x * 2 : x + 1;
  return lo + (hi - lo) / 2;
}
