/** JSON has no NaN and no Infinity: what is not known is `null`. */
export const finiteOrNull = (value: number): number | null => (Number.isFinite(value) ? value : null);

/** Unix ms as ISO 8601, `null` for what has not happened. */
export const isoOrNull = (ms: number | null): string | null =>
  ms === null ? null : new Date(ms).toISOString();
