import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { runbookFolder } from '../../observability/alerting/runbooks.js';
import type { DoctorContext, Finding } from '../doctor.js';
import { canFire, type StepFinding, sourceFindings } from './can-fire.js';
import { type ExpectedAlert, expectedAlerts } from './expected-alerts.js';
import { type AlertFacts, gatherFacts, isSilent } from './sources.js';

const hasRunbook = (name: string): boolean => existsSync(join(runbookFolder(), `${name}.md`));

/** Can every alert fire, and will somebody hear of it? What is wrong with several of them is one line. */
export async function diagnoseAlerts(
  context: DoctorContext,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const facts = await gatherFacts(context.config, context.server?.url ?? null, signal);
  return summarise(expectedAlerts(), facts, hasRunbook);
}

export function summarise(
  alerts: readonly ExpectedAlert[],
  facts: AlertFacts,
  runbookExists: (name: string) => boolean,
): readonly Finding[] {
  const concerned = new Map<string, { status: Finding['status']; message: string; names: Set<string> }>();
  let fine = 0;
  let unknown = 0;
  for (const alert of alerts) {
    const steps = canFire(alert, facts, runbookExists);
    const wrong = steps.filter(({ status }) => status === 'error' || status === 'warning');
    // A receiver without an address keeps nobody from firing.
    const unheard = wrong.every(({ step, status }) => step === 'route' && status === 'warning');
    const known = steps.every(({ status }) => status !== 'unknown');
    if (unheard && known) fine++;
    else if (unheard) unknown++;
    for (const { status, message } of wrong) {
      const key = `${status} ${message}`;
      const entry = concerned.get(key) ?? { status, message, names: new Set() };
      concerned.set(key, entry);
      entry.names.add(alert.name);
    }
  }
  const findings = [...concerned.values()].map(({ status, message, names }): Finding => {
    const shown = [...names].slice(0, 3).join(', ');
    const more = names.size > 3 ? ` and ${names.size - 3} more` : '';
    return { status, message: `${shown}${more}: ${message}` };
  });
  const asked = `asked: ${askedOf(facts).join(', ')}`;
  const open = unknown === 0 ? '' : `, of ${unknown} it is not known`;
  const message = `${fine} of ${alerts.length} alerts can fire${open} (${asked})`;
  const cannot = alerts.length - fine - unknown;
  return [
    { status: cannot > 0 ? 'warning' : unknown > 0 ? 'unknown' : 'ok', message },
    ...sourceFindings(facts),
    ...findings,
  ];
}

function askedOf({ server, prometheus, alertmanager }: AlertFacts): readonly string[] {
  return [
    'catalogue',
    'runbooks',
    ...(server !== null && !isSilent(server) ? ['server'] : []),
    ...(prometheus !== null && !isSilent(prometheus) ? ['Prometheus'] : []),
    ...(alertmanager !== null && !isSilent(alertmanager) ? [alertmanager.from] : []),
  ];
}

/** Every step of one alert, good or not. @returns `null` when no alert has that name */
export async function diagnoseAlert(
  name: string,
  context: DoctorContext,
  signal: AbortSignal,
): Promise<readonly (Finding & { readonly step: StepFinding['step'] | 'source' })[] | null> {
  const alerts = expectedAlerts().filter((alert) => alert.name === name);
  if (alerts.length === 0) return null;
  const facts = await gatherFacts(context.config, context.server?.url ?? null, signal);
  const sources = sourceFindings(facts).map((finding) => ({ step: 'source' as const, ...finding }));
  const steps = alerts.flatMap((alert) => canFire(alert, facts, hasRunbook));
  // The windows of a burn rate share most of their steps.
  const unique = new Map(steps.map((finding) => [`${finding.step} ${finding.message}`, finding]));
  return [...sources, ...unique.values()];
}
