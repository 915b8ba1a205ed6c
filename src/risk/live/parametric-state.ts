import { covarianceMatrix } from '../../kernel/covariance-matrix.js';
import type { Tail } from '../../kernel/empirical-tail.js';
import { mean } from '../../kernel/mean.js';
import { normalPdf } from '../../kernel/normal-pdf.js';
import { normalQuantile } from '../../kernel/normal-quantile.js';
import { dot, multiply, type SymmetricMatrix } from '../../kernel/symmetric-matrix.js';
import { tailProbability } from '../../kernel/tail-probability.js';

/** A variance below this share of gross² × the largest variance may be what rounding left of a hedge. */
const hedgedShare = 1e-10;

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
  private readonly largestVariance: number;
  private readonly factors: readonly { readonly quantile: number; readonly shortfall: number }[];

  /** @param exposures the caller's own, kept by reference: {@link apply} is told of every change */
  constructor(returns: readonly Float64Array[], exposures: Float64Array, confidences: readonly number[]) {
    this.covariance =
      returns.length === 0 ? { size: 0, data: new Float64Array(0) } : covarianceMatrix(returns);
    this.means = Float64Array.from(returns, (r) => mean(r));
    this.exposures = exposures;
    this.weighted = multiply(this.covariance, exposures);
    this.drift = dot(this.means, exposures);
    const { size, data } = this.covariance;
    this.largestVariance = this.means.reduce((max, _, i) => Math.max(max, data[i * size + i]!), 0);
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
    addRow(this.weighted, this.covariance, asset, change);
    this.drift += change * this.means[asset]!;
  }

  tails(): Tail[] {
    const variance = dot(this.weighted, this.exposures);
    if (!this.isHedged(variance, this.exposures)) return this.tailsAt(variance, this.drift);
    this.rebuild();
    return this.tailsAt(dot(this.weighted, this.exposures), this.drift);
  }

  /** The tails after changes of exposures by asset; for what-if. */
  shiftedTails(changes: ReadonlyMap<number, number>): Tail[] {
    const exposures = Float64Array.from(this.exposures);
    const weighted = Float64Array.from(this.weighted);
    let { drift } = this;
    for (const [asset, change] of changes) {
      exposures[asset] = exposures[asset]! + change;
      addRow(weighted, this.covariance, asset, change);
      drift += change * this.means[asset]!;
    }
    const variance = dot(weighted, exposures);
    if (!this.isHedged(variance, exposures)) return this.tailsAt(variance, drift);
    return this.tailsAt(dot(multiply(this.covariance, exposures), exposures), dot(this.means, exposures));
  }

  /** The rounding of many changes is then as large as the figure: it has to be formed anew. */
  private isHedged(variance: number, exposures: Float64Array): boolean {
    let gross = 0;
    for (let i = 0; i < exposures.length; i++) gross += Math.abs(exposures[i]!);
    return variance < hedgedShare * gross * gross * this.largestVariance;
  }

  private tailsAt(variance: number, drift: number): Tail[] {
    // A hedge's variance is what rounding left, to either side of 0.
    const sigma = Math.sqrt(Math.max(0, variance));
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

/** weighted += change · row of the covariance. */
function addRow(
  weighted: Float64Array,
  { size, data }: SymmetricMatrix,
  asset: number,
  change: number,
): void {
  const row = asset * size;
  for (let i = 0; i < size; i++) weighted[i] = weighted[i]! + change * data[row + i]!;
}
