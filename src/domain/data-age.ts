/** Clocks of sources may be this far ahead of ours, ms. */
const skewMs = 60_000;

/** Age of data, whole ms; `null` when its moment lies in the future, further than clocks differ: nobody knows its age then. */
export function dataAgeMs(asOfMs: number, nowMs: number): number | null {
  const age = nowMs - asOfMs;
  return age < -skewMs ? null : Math.max(0, Math.round(age));
}

/** Why the age of data that is there is not known; nothing when it is. */
export const ageReason = (asOfMs: number | null, nowMs: number): { reason?: string } =>
  asOfMs !== null && dataAgeMs(asOfMs, nowMs) === null ? { reason: 'its time lies in the future' } : {};
