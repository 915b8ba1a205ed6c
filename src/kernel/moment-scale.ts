/**
 * The power of two by which to divide values so that their fourth powers stay within the range of a double; 1 where
 * they do anyway. Division by it is exact.
 *
 * @returns 1 for an empty or constant-zero series, and where a value is not finite
 * @example momentScale([1e-100, 2e-100]) // 2 ** -332
 */
export function momentScale(values: ArrayLike<number>): number {
  let largest = 0;
  for (let i = 0; i < values.length; i++) largest = Math.max(largest, Math.abs(values[i]!));
  if (largest === 0 || !Number.isFinite(largest) || (largest > 1e-50 && largest < 1e50)) return 1;
  return 2 ** Math.floor(Math.log2(largest));
}

/** The values divided by their {@link momentScale}, which may be themselves. */
export function scaledBy<T extends ArrayLike<number>>(values: T, scale: number): T | Float64Array {
  return scale === 1 ? values : Float64Array.from(values, (v) => v / scale);
}
