import { devianceTerm } from './deviance-term.js';
import { stirlingError } from './stirling-error.js';

/**
 * Regularised incomplete gamma functions, lower P(a, x) = γ(a, x)/Γ(a) and upper Q = 1 − P: the smaller one is
 * computed, by the series below x = a + 1 and Lentz's continued fraction above, so each keeps its relative accuracy
 * in its own tail. DLMF 8.11(i), 8.9.2.
 *
 * @param a shape > 0
 * @param x ≥ 0; +∞ gives P = 1
 * @throws RangeError outside the domain
 */
export function regularizedGamma(a: number, x: number): { readonly lower: number; readonly upper: number } {
  if (!(a > 0) || !(x >= 0)) throw new RangeError(`incomplete gamma: a = ${a}, x = ${x}`);
  if (x === 0) return { lower: 0, upper: 1 };
  if (x === Infinity) return { lower: 1, upper: 0 };
  const front = poissonTerm(a, x);
  if (x < a + 1) {
    let term = 1;
    let sum = 1;
    for (let n = 1; term > sum * 1e-17; n++) {
      term *= x / (a + n);
      sum += term;
    }
    const lower = Math.min(1, front * sum);
    return { lower, upper: 1 - lower };
  }
  const tiny = 1e-300;
  let b = x + 1 - a;
  let c = 1 / tiny;
  let d = 1 / b;
  let h = d;
  for (let i = 1; i < 1_000_000; i++) {
    const an = -i * (i - a);
    b += 2;
    d = an * d + b;
    if (Math.abs(d) < tiny) d = tiny;
    c = b + an / c;
    if (Math.abs(c) < tiny) c = tiny;
    d = 1 / d;
    const step = d * c;
    h *= step;
    if (Math.abs(step - 1) < 1e-16) break;
  }
  const upper = Math.min(1, front * a * h);
  return { lower: 1 - upper, upper };
}

/** x^a e^−x / Γ(a+1) through Loader's saddle-point form; direct for small a, where nothing cancels. */
function poissonTerm(a: number, x: number): number {
  return Math.exp(-stirlingError(a) - devianceTerm(a, x)) / Math.sqrt(2 * Math.PI * a);
}
