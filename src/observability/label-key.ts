import type { MetricSpec } from './metric-spec.js';

/**
 * The identity of a label set.
 * @throws Error when a label value is missing or not in the catalogue
 */
export function labelKey(
  spec: MetricSpec,
  labelNames: readonly string[],
  labels: Readonly<Record<string, string>>,
): string {
  let key = '';
  for (const name of labelNames) {
    const value = labels[name];
    const allowed = spec.labels[name];
    if (typeof value !== 'string' || (allowed !== 'bounded' && !allowed?.includes(value))) {
      throw new Error(`${spec.name}: label ${name}=${JSON.stringify(value)} is not in the catalogue`);
    }
    key += `${value.length}:${value}`;
  }
  return key;
}
