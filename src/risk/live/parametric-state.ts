import { covarianceMatrix } from '../../kernel/covariance-matrix.js';
import type { Tail } from '../../kernel/empirical-tail.js';
import { mean } from '../../kernel/mean.js';
import { normalPdf } from '../../kernel/normal-pdf.js';
import { normalQuantile } from '../../kernel/normal-quantile.js';
import { dot, multiply, type SymmetricMatrix } from '../../kernel/symmetric-matrix.js';
import { tailProbability } from '../../kernel/tail-probability.js';

/**
 * Parametric VaR of a portfolio kept current: it holds Σe, so a change of one exposure costs one row of Σ, and e′Σe
 * one dot product.
 */
export class ParametricState {
  readonly covariance: SymmetricMatrix;
  readonly means: Float64Array;
  private readonly exposures: Float64Array;
  private readonly weighted: Float64Array;
  private drift: number;
  private readonly factors: readonly { readonly quantile: number; readonly shortfall: number }[];

  /** @param exposures the caller's own, kept by reference: {@link apply} is told of every change */
  constructor(returns: readonly Float64Array[], exposures: Float64Array, confidences: readonly number[]) {
    this.covariance =
      returns.length === 0 ? { size: 0, data: new Float64Array(0) } : covarianceMatrix(returns);
    this.means = Float64Array.from(returns, (r) => mean(r));
    this.exposures = exposures;
    this.weighted = multiply(this.covariance, exposures);
    this.drift = dot(this.means, exposures);
    this.factors = confidences.map((confidence) => {
      const alpha = tailProbability(confidence);
      const z = normalQuantile(alpha);
      return { quantile: -z, shortfall: normalPdf(z) / alpha };
    });
  }

  get bytes(): number {
    return this.covariance.data.byteLength + 2 * this.weighted.byteLength;
  }

  /** The exposure to `asset` has changed by `change`. */
  apply(asset: number, change: number): void {
    const { weighted } = this;
    const { size, data } = this.covariance;
    const row = asset * size;
    for (let i = 0; i < size; i++) weighted[i] = weighted[i]! + change * data[row + i]!;
    this.drift += change * this.means[asset]!;
  }

  /** One-day deviation of the P&L. */
  deviation(): number {
    return Math.sqrt(Math.max(0, dot(this.weighted, this.exposures)));
  }

  tails(): Tail[] {
    const sigma = this.deviation();
    const { drift } = this;
    return this.factors.map((f) => ({
      var: f.quantile * sigma - drift,
      expectedShortfall: f.shortfall * sigma - drift,
    }));
  }

  /** The same for other exposures; for what-if. */
  tailsOf(exposures: Float64Array): Tail[] {
    const sigma = Math.sqrt(Math.max(0, dot(multiply(this.covariance, exposures), exposures)));
    const drift = dot(this.means, exposures);
    return this.factors.map((f) => ({
      var: f.quantile * sigma - drift,
      expectedShortfall: f.shortfall * sigma - drift,
    }));
  }

  rebuild(): void {
    this.weighted.set(multiply(this.covariance, this.exposures));
    this.drift = dot(this.means, this.exposures);
  }
}
