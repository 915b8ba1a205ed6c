import { requireFinite } from './require-finite.js';

export interface Drawdown {
  /** Loss from peak to trough as a fraction of the peak, ≥ 0. */
  readonly depth: number;
  /** Indices into the values; all 0 when the series never falls. */
  readonly peak: number;
  readonly trough: number;
  /** First index at or above the peak again; `null` while under water. */
  readonly recovery: number | null;
}

/**
 * The deepest fall of a value from its running maximum; the first one when several are equally deep.
 *
 * @param values prices or wealth, > 0, oldest first
 * @returns depth as a fraction of the maximum, max_t (1 − v[t] / max_{s ≤ t} v[s]) (Magdon-Ismail and Atiya 2004), with the
 *   indices of peak, trough and recovery; depth 0 for a rising or single-valued series
 * @throws RangeError on an empty series or a value that is not finite and positive
 * @example maxDrawdown([100, 120, 90, 130]) // { depth: 0.25, peak: 1, trough: 2, recovery: 3 }
 */
export function maxDrawdown(values: ArrayLike<number>): Drawdown {
  requireFinite(values, 'values');
  let highAt = 0;
  let best: Drawdown = { depth: 0, peak: 0, trough: 0, recovery: 0 };
  for (let i = 0; i < values.length; i++) {
    const v = values[i]!;
    if (v <= 0) throw new RangeError(`values: value ${i} is ${v}, not positive`);
    if (v > values[highAt]!) highAt = i;
    const depth = (values[highAt]! - v) / values[highAt]!;
    if (depth > best.depth) best = { depth, peak: highAt, trough: i, recovery: null };
  }
  if (best.depth === 0) return best;
  for (let i = best.trough + 1; i < values.length; i++) {
    if (values[i]! >= values[best.peak]!) return { ...best, recovery: i };
  }
  return best;
}
