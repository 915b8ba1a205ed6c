import { requireFinite } from './require-finite.js';

/**
 * Refuses a panel of series that a joint statistic is not defined on.
 *
 * @returns the common length
 * @throws RangeError when there is no series, lengths differ, one is shorter than `minLength`, or a value is not
 *   finite
 */
export function requireAligned(series: readonly ArrayLike<number>[], minLength = 1): number {
  const first = series[0];
  if (first === undefined) throw new RangeError('no series given');
  for (let i = 0; i < series.length; i++) {
    const x = series[i]!;
    if (x.length !== first.length) {
      throw new RangeError(`series ${i} has ${x.length} values, the first has ${first.length}`);
    }
    requireFinite(x, `series ${i}`, minLength);
  }
  return first.length;
}
