/** Middle value. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Smallest value that at least this share of the values does not exceed. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!;
}

/** Largest minus smallest over the median, in percent: how far the rounds are apart. */
export const spread = (values: readonly number[]): string =>
  `${Math.round(((Math.max(...values) - Math.min(...values)) / median(values)) * 100)} %`;

export const rate = (value: number): string => `${Math.round(value).toLocaleString('en')}/s`;
export const ms = (value: number): string => `${value.toFixed(value < 10 ? 2 : 1)} ms`;

/** A row of a report; `ok` where there is a requirement. */
export function line(what: string, figure: string, ok?: boolean): void {
  const verdict = ok === undefined ? '' : ok ? '  ok' : '  MISSED';
  console.log(`  ${what.padEnd(64)} ${figure}${verdict}`);
}
