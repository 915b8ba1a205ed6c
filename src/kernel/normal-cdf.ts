import { normalPdf } from './normal-pdf.js';

/**
 * Standard normal distribution function Φ(x) = P(X ≤ x), with relative accuracy 1e-13 in both tails: the series
 * Φ(x) = ½ + φ(x)(x + x³/3 + x⁵/(3·5) + …) near the centre (Marsaglia 2004), Laplace's continued fraction for
 * Mills' ratio beyond
 * |x| = 2.5, so a far tail is never the difference of two numbers near 1.
 *
 * @returns in [0, 1]; 0 and 1 at ∓∞; NaN for NaN
 * @example normalCdf(-2.3263478740408408) // 0.01
 */
export function normalCdf(x: number): number {
  if (Number.isNaN(x)) return Number.NaN;
  const a = Math.abs(x);
  if (a > 40) return x < 0 ? 0 : 1;
  if (a < 2.5) {
    let term = a;
    let sum = a;
    for (let k = 3; term > sum * 1e-17; k += 2) {
      term *= (a * a) / k;
      sum += term;
    }
    const half = normalPdf(a) * sum;
    return x < 0 ? 0.5 - half : 0.5 + half;
  }
  // Mills' ratio 1/(a + 1/(a + 2/(a + 3/(a + …)))), from the inside out; 120 levels suffice at a = 2.5.
  let tail = a;
  for (let k = 120; k >= 1; k--) tail = a + k / tail;
  const upper = normalPdf(a) / tail;
  return x < 0 ? upper : 1 - upper;
}
