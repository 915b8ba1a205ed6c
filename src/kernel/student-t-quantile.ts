import { normalQuantile } from './normal-quantile.js';
import { solveIncreasing } from './solve-increasing.js';
import { studentTCdf } from './student-t-cdf.js';
import { studentTPdf } from './student-t-pdf.js';

/**
 * Inverse of the Student t distribution function: Newton's method on ln P in the tail, from the Cornish-Fisher
 * expansion of the normal quantile (Abramowitz and Stegun 26.7.5). Closed forms for 1 and 2 degrees of freedom.
 *
 * @param p in [0, 1]; 0 and 1 give ∓∞
 * @param df > 0
 * @throws RangeError outside the domain
 * @example studentTQuantile(0.975, 4) // 2.7764451051977987
 */
export function studentTQuantile(p: number, df: number): number {
  if (!(df > 0)) throw new RangeError(`Student t: ${df} degrees of freedom`);
  if (!(p >= 0 && p <= 1)) throw new RangeError(`Student t quantile: probability ${p} is not in [0, 1]`);
  if (p === 0.5) return 0;
  if (p > 0.5) return -lowerTail(1 - p, df);
  return lowerTail(p, df);
}

function lowerTail(p: number, df: number): number {
  if (p === 0) return -Infinity;
  if (df === 1) return p < 0.25 ? -1 / Math.tan(Math.PI * p) : Math.tan(Math.PI * (p - 0.5));
  if (df === 2) return (2 * p - 1) / Math.sqrt(2 * p * (1 - p));
  const z = normalQuantile(p);
  const expansion = z + (z ** 3 + z) / (4 * df) + (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * df * df);
  const logP = Math.log(p);
  return solveIncreasing(
    (x) => {
      const cdf = studentTCdf(x, df);
      return { value: Math.log(cdf) - logP, slope: studentTPdf(x, df) / cdf };
    },
    Math.min(expansion, -1e-300),
    -Infinity,
    0,
  );
}
