import { normalQuantile } from './normal-quantile.js';
import type { UniformGenerator } from './uniform-generator.js';

/**
 * A χ² deviate with `df` degrees of freedom, by Marsaglia and Tsang's method for gamma variables (ACM TOMS 26,
 * 2000).
 *
 * @param df ≥ 2
 */
export function chiSquareDeviate(generator: UniformGenerator, df: number): number {
  const d = df / 2 - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = normalQuantile(generator.next());
    const v = (1 + c * x) ** 3;
    if (v <= 0) continue;
    const u = generator.next();
    const x2 = x * x;
    if (u < 1 - 0.0331 * x2 * x2) return 2 * d * v;
    if (Math.log(u) < 0.5 * x2 + d * (1 - v + Math.log(v))) return 2 * d * v;
  }
}
