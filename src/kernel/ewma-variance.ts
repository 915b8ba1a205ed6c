import { requireFinite } from './require-finite.js';

/**
 * Exponentially weighted variance about zero, Σ (1 − λ)λ^k r²[n−1−k] / (1 − λ^n): RiskMetrics (1996) with the
 * weights of the finite window normalised to 1. pandas: `(r**2).ewm(alpha=1-lam).mean().iloc[-1]`.
 *
 * @param returns oldest first
 * @param lambda decay in (0, 1); 0.94 for daily data
 * @returns in the squared unit of the returns; a single return gives its square
 * @throws RangeError on an empty or non-finite series or λ outside (0, 1)
 */
export function ewmaVariance(returns: ArrayLike<number>, lambda = 0.94): number {
  requireFinite(returns, 'returns');
  if (!(lambda > 0 && lambda < 1)) throw new RangeError(`lambda is ${lambda}, not between 0 and 1`);
  let sum = 0;
  let weights = 0;
  for (let i = 0; i < returns.length; i++) {
    sum = lambda * sum + returns[i]! * returns[i]!;
    weights = lambda * weights + 1;
  }
  return sum / weights;
}
