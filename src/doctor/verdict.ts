import type { Diagnosis, Finding } from './doctor.js';

/** The last line of the doctor; everything but `ok` is exit code 1. */
export interface Verdict {
  readonly status: 'ok' | 'error' | 'unknown';
  readonly text: string;
}

/** Of a whole installation. Warnings are counted, and make it an error only when `strict`. */
export function verdictOf(findings: readonly Finding[], strict: boolean): Verdict {
  const count = (of: Finding['status']) => findings.filter(({ status }) => status === of).length;
  const [errors, warnings, unknown] = [count('error'), count('warning'), count('unknown')];
  const status = errors > 0 || (strict && warnings > 0) ? 'error' : 'ok';
  if (errors + warnings + unknown === 0) return { status, text: 'Nothing is wrong.' };
  const open = unknown === 0 ? '' : `, ${unknown} not known`;
  return { status, text: `${counted(errors, 'error')}, ${counted(warnings, 'warning')}${open}.` };
}

/** Whether one alert can fire: plainly yes, plainly no, or not known because somebody did not say. */
export function verdictOfAlert(alert: string, findings: readonly Diagnosis[]): Verdict {
  const steps = findings.filter(({ check }) => check !== 'source');
  const against = steps.find(
    ({ check, status }) => status === 'error' || (status === 'warning' && check !== 'route'),
  );
  if (against) return { status: 'error', text: `${alert} cannot fire now: ${against.message}.` };
  const open =
    steps.find(({ status }) => status === 'unknown') ?? findings.find(({ status }) => status !== 'ok');
  if (open === undefined) return { status: 'ok', text: `${alert} can fire.` };
  if (open.check === 'route' && open.status === 'warning')
    return { status: 'error', text: `${alert} can fire, but nobody hears of it: ${open.message}.` };
  return { status: 'unknown', text: `Whether ${alert} can fire is not known: ${open.message}.` };
}

const counted = (count: number, what: string): string =>
  count === 0 ? `no ${what}s` : `${count} ${what}${count === 1 ? '' : 's'}`;
