import { readFileSync } from 'node:fs';

interface Golden {
  readonly source: string;
}
type Rows<T extends readonly unknown[]> = Golden & { readonly rows: readonly T[] };
type Matrix = readonly (readonly number[])[];

interface TailRow {
  readonly mean: number;
  readonly sd: number;
  readonly confidence: number;
  readonly h: number;
  readonly var: number;
  readonly es: number;
}

/** What `generate.py` wrote: reference values of the risk kernels, the independent implementation named in `source`. */
export interface GoldenValues {
  readonly normal_cdf: Rows<[number, number]>;
  readonly normal_quantile: Rows<[number, number]>;
  readonly student_t_cdf: Rows<[number, number, number]>;
  readonly student_t_quantile: Rows<[number, number, number]>;
  readonly chi_square_cdf: Rows<[number, number, number, number]>;
  readonly chi_square_quantile: Rows<[number, number, number]>;
  readonly log_gamma: Rows<[number, number]>;
  readonly binomial_cdf: Rows<[number, number, number, number]>;
  readonly quantile: Golden & { samples: Matrix; probabilities: number[]; values: Matrix[] };
  readonly market: Golden & { returns: Matrix; weights: number[] };
  readonly moments: Golden & { mean: number; variance: number; skewness: number; kurtosis: number };
  readonly historical: Golden & {
    rows: { confidence: number; var: number; mean_beyond_var: number; acerbi_tasche: number }[];
  };
  readonly historical_quantlib: Golden & {
    pnl: number[];
    rows: { confidence: number; var: number; es: number }[];
  };
  readonly parametric: Golden & { rows: TailRow[] };
  readonly student_t: Golden & { rows: (TailRow & { df: number })[] };
  readonly cornish_fisher: Golden & {
    rows: (TailRow & { skewness: number; kurtosis: number; valid: boolean })[];
  };
  readonly ewma: Golden & { rows: { lambda: number; variance: number }[] };
  readonly covariance: Golden & {
    sample: Matrix;
    correlation: Matrix;
    eigenvalues: number[];
    condition: number;
    cholesky: Matrix;
    ledoit_wolf: Matrix;
    shrinkage: number;
    ewma: Matrix;
  };
  readonly ledoit_wolf_wide: Golden & { series: Matrix; covariance: Matrix; shrinkage: number };
  readonly components: Golden &
    Record<
      'parametric' | 'cornish_fisher',
      { total: number; marginal: number[]; incremental: number[] }
    >;
  readonly performance: Golden & {
    risk_free: number;
    depth: number;
    peak: number;
    trough: number;
    recovery: number | null;
    sharpe: number;
    sortino: number;
    annual: number;
    calmar: number;
    alpha: number;
    beta: number;
    tracking_error: number;
    information_ratio: number;
  };
  readonly sobol: Rows<[number, number, number]>;
  readonly psd_repair: Golden & {
    matrix: Matrix;
    repaired: Matrix;
    exposures: number[];
    variance: number;
    repaired_variance: number;
  };
  readonly kupiec: Rows<[number, number, number, number, number]>;
  readonly christoffersen: Golden & {
    hits: number[];
    transitions: [number, number, number, number];
    statistic: number;
    p_value: number;
  };
}

export const golden = JSON.parse(
  readFileSync(new URL('./golden.json', import.meta.url), 'utf8'),
) as GoldenValues;

/** Largest relative difference, entry by entry; `Infinity` when one side is NaN or the lengths differ. */
export function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Infinity;
  let worst = 0;
  for (let i = 0; i < expected.length; i++) {
    const [a, b] = [actual[i]!, expected[i]!];
    const error = a === b ? 0 : Math.abs(a - b) / Math.max(Math.abs(b), 1e-300);
    if (!(error <= worst)) worst = Number.isNaN(error) ? Infinity : error;
  }
  return worst;
}
