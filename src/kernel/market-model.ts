import { mean } from './mean.js';
import { requireAligned } from './require-aligned.js';

export interface MarketModel {
  /** cov(r, b) / var(b); `null` for a benchmark without variance. */
  readonly beta: number | null;
  /** Jensen's alpha per period, mean(r) − β·mean(b); `null` with beta. */
  readonly alpha: number | null;
}

/**
 * Slope and intercept of the (excess) returns on the benchmark's by least squares (PerformanceAnalytics
 * `CAPM.beta`, `CAPM.alpha`; numpy `polyfit(b, r, 1)`).
 *
 * @param returns per period, in excess of the risk-free rate where there is one
 * @param benchmark the same periods, likewise
 * @returns β = cov(r, b) / var(b), dimensionless, and α = mean(r) − β·mean(b), per period; both `null` where the
 *   benchmark has no variance
 * @throws RangeError on unequal lengths, fewer than 2 periods, NaN or an infinity
 */
export function marketModel(returns: ArrayLike<number>, benchmark: ArrayLike<number>): MarketModel {
  requireAligned([returns, benchmark], 2);
  const [mr, mb] = [mean(returns), mean(benchmark)];
  let cross = 0;
  let square = 0;
  for (let i = 0; i < returns.length; i++) {
    const b = benchmark[i]! - mb;
    cross += (returns[i]! - mr) * b;
    square += b * b;
  }
  if (square === 0) return { beta: null, alpha: null };
  const beta = cross / square;
  return { beta, alpha: mr - beta * mb };
}
