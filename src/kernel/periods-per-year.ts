const dayMs = 86_400_000;

/**
 * How many sampling periods a year has: the factor under the root when a standard deviation of returns is
 * annualised. A mean spacing of 1 to 1.6 days is daily trading data (weekends and holidays stretch it) and has 252;
 * everything else divides the year of 365.25 days by the spacing.
 *
 * @param periodMs mean time between values, ms
 * @returns NaN when the spacing is not above 0
 * @example periodsPerYear(60_000) // 525 960, a value a minute
 */
export function periodsPerYear(periodMs: number): number {
  if (!(periodMs > 0)) return Number.NaN;
  if (periodMs >= dayMs && periodMs <= 1.6 * dayMs) return 252;
  return (365.25 * dayMs) / periodMs;
}
