/** Density of the standard normal distribution, exp(−x²/2) / √(2π); 0 at ±∞, NaN for NaN. */
export function normalPdf(x: number): number {
  return 0.3989422804014327 * Math.exp(-0.5 * x * x);
}
