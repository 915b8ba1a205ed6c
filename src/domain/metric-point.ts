/** One value of one metric of one portfolio, as accepted at the door or computed by a later stage. */
export interface MetricPoint {
  /** 1–64 characters of `[A-Za-z0-9_.-]`; the portfolio need not exist. */
  readonly portfolioId: string;
  /** 1–64 characters of `[A-Za-z0-9_.:-]`. */
  readonly metricType: string;
  /** Finite. */
  readonly value: number;
  /** Unix time in milliseconds, UTC; fractions carry microseconds. */
  readonly tsMs: number;
  /** JSON text of an object, valid for `jsonb` (no U+0000, no lone surrogate); `null` when there is none. */
  readonly metadata: string | null;
}
