import { devianceTerm } from './deviance-term.js';
import { stirlingError } from './stirling-error.js';

/**
 * Regularised incomplete beta function I_x(a, b) and its complement, by a continued fraction (Lentz's evaluation)
 * on the side where it converges fast. Both x and y = 1 − x are parameters: callers know the small one exactly.
 *
 * @param a > 0
 * @param b > 0
 * @param x in [0, 1]
 * @param y 1 − x, without the rounding of that subtraction
 * @throws RangeError outside the domain
 */
export function regularizedBeta(
  a: number,
  b: number,
  x: number,
  y: number = 1 - x,
): { readonly lower: number; readonly upper: number } {
  if (!(a > 0 && b > 0 && x >= 0 && y >= 0)) {
    throw new RangeError(`incomplete beta: a = ${a}, b = ${b}, x = ${x}`);
  }
  if (x === 0) return { lower: 0, upper: 1 };
  if (y === 0) return { lower: 1, upper: 0 };
  if (x > (a + 1) / (a + b + 2)) {
    const upper = power(b, a, y, x) * fraction(b, a, y, x);
    return { lower: 1 - upper, upper };
  }
  const lower = power(a, b, x, y) * fraction(a, b, x, y);
  return { lower, upper: 1 - lower };
}

/** x^a y^b / (a B(a, b)), in Loader's form: the large terms cancel in `devianceTerm`, not in floating point. */
function power(a: number, b: number, x: number, y: number): number {
  const n = a + b;
  const exponent =
    stirlingError(n) - stirlingError(a) - stirlingError(b) - devianceTerm(a, n * x) - devianceTerm(b, n * y);
  // The deviance terms carry a − nx + b − ny = 0 together, so only their sum enters.
  return Math.exp(exponent) * Math.sqrt(b / (2 * Math.PI * a * n));
}

/**
 * Didonato and Morris' even part of the fraction (ACM TOMS 708): a y − b x is formed from both, so x near 1 keeps
 * its digits.
 */
function fraction(a: number, b: number, x: number, y: number): number {
  const tiny = 1e-300;
  let f = (a * (a * y - b * x + 1)) / (a + 1) || tiny;
  let c = f;
  let d = 0;
  for (let m = 1; m < 1_000_000; m++) {
    const r = a + 2 * m - 1;
    const an = ((a + m - 1) / r) * ((a + b + m - 1) / r) * m * (b - m) * x * x;
    const bn = m + (m * (b - m) * x) / r + ((a + m) * (a * y - b * x + 1 + m * (1 + y))) / (r + 2);
    d = 1 / (bn + an * d || tiny);
    c = bn + an / c || tiny;
    const step = c * d;
    f *= step;
    if (Math.abs(step - 1) < 1e-16) break;
  }
  return a / f;
}
