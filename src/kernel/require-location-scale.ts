/** @throws RangeError unless the mean is finite, the deviation finite and ≥ 0, the horizon finite and > 0 */
export function requireLocationScale(mean: number, standardDeviation: number, horizonDays: number): void {
  if (!Number.isFinite(mean)) throw new RangeError('the mean is beyond the range of numbers');
  if (!(standardDeviation >= 0 && standardDeviation < Infinity)) {
    throw new RangeError(
      standardDeviation < 0
        ? `the standard deviation is negative: ${standardDeviation}`
        : 'the standard deviation is beyond the range of numbers',
    );
  }
  if (!(horizonDays > 0 && horizonDays < Infinity)) throw new RangeError(`horizon is ${horizonDays} days`);
}
