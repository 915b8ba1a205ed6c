import type { Alert, Silence, SilenceMatchers } from './alert.js';

export function isActive(silence: Silence, nowMs: number): boolean {
  return silence.startsAtMs <= nowMs && nowMs < (silence.endedAtMs ?? silence.endsAtMs);
}

export function covers(
  matchers: SilenceMatchers,
  alert: Pick<Alert, 'name' | 'severity' | 'threshold' | 'instance' | 'labels'>,
): boolean {
  if (matchers.name !== undefined && matchers.name !== alert.name) return false;
  if (matchers.severity !== undefined && matchers.severity !== alert.severity) return false;
  if (matchers.threshold !== undefined && matchers.threshold !== alert.threshold) return false;
  if (matchers.instance !== undefined && matchers.instance !== alert.instance) return false;
  return Object.entries(matchers.labels ?? {}).every(([name, value]) => alert.labels[name] === value);
}

/** The silence that keeps this alert quiet now, the one that lasts longest if there are several; `null` when none does. */
export function silenceOf(alert: Alert, silences: Iterable<Silence>, nowMs: number): Silence | null {
  let longest: Silence | null = null;
  for (const silence of silences) {
    if (!isActive(silence, nowMs) || !covers(silence.matchers, alert)) continue;
    if (longest === null || silence.endsAtMs > longest.endsAtMs) longest = silence;
  }
  return longest;
}
