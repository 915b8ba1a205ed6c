/**
 * Refuses a series on which no statistic is defined: too short, or holding NaN or an infinity.
 *
 * @param name what the message calls the series
 * @throws RangeError
 */
export function requireFinite(values: ArrayLike<number>, name: string, minLength = 1): void {
  const n = values.length;
  if (n < minLength) throw new RangeError(`${name}: needs at least ${minLength} values, has ${n}`);
  for (let i = 0; i < n; i++) {
    if (!Number.isFinite(values[i])) throw new RangeError(`${name}: value ${i} is ${values[i]}`);
  }
}
