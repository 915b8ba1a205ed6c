import { logGamma } from './log-gamma.js';

/**
 * δ(x) = ln Γ(x+1) − [(x + ½) ln x − x + ½ ln 2π], the error of Stirling's formula. Densities written with it
 * (Loader, "Fast and Accurate Computation of Binomial Probabilities", 2000) do not lose digits when their exponents
 * cancel.
 *
 * @param x > 0
 */
export function stirlingError(x: number): number {
  if (x < 16) return logGamma(x + 1) - (x + 0.5) * Math.log(x) + x - 0.9189385332046728;
  const s = 1 / (x * x);
  // Bernoulli series 1/(12x) − 1/(360x³) + 1/(1260x⁵) − …
  return (1 / 12 - s * (1 / 360 - s * (1 / 1260 - s * (1 / 1680 - s * (1 / 1188 - (s * 691) / 360360))))) / x;
}
