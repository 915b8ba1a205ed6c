import type { Finding } from '../doctor.js';
import type { ExpectedAlert } from './expected-alerts.js';
import { type AlertFacts, isSilent, type LoadedRule, type ServerRule } from './sources.js';

/** What an alert needs in order to be heard, in the order in which it would be looked for. */
export type Step = 'metric' | 'samples' | 'rule' | 'route' | 'runbook';
export interface StepFinding extends Finding {
  readonly step: Step;
}

/** Whether this alert can fire and be heard: one finding per step, and more where more is wrong. */
export function canFire(
  alert: ExpectedAlert,
  facts: AlertFacts,
  runbookExists: (name: string) => boolean,
): readonly StepFinding[] {
  return [
    ...metricStep(alert, facts),
    ...samplesStep(alert, facts),
    ...ruleStep(alert, facts),
    ...routeStep(alert, facts),
    runbookExists(alert.name)
      ? { step: 'runbook', status: 'ok', message: `alerts/runbooks/${alert.name}.md` }
      : { step: 'runbook', status: 'error', message: `alerts/runbooks/${alert.name}.md is missing` },
  ];
}

function metricStep(alert: ExpectedAlert, { declared }: AlertFacts): StepFinding[] {
  const missing = alert.series.filter((name) => !declared.has(name));
  if (missing.length === 0) return [{ step: 'metric', status: 'ok', message: alert.series.join(', ') }];
  return missing.map((name) => ({
    step: 'metric',
    status: 'error',
    message: `${name} is exported by nobody`,
  }));
}

function samplesStep(alert: ExpectedAlert, facts: AlertFacts): StepFinding[] {
  const findings: StepFinding[] = [];
  const add = (status: Finding['status'], message: string) =>
    findings.push({ step: 'samples', status, message });
  const own = serverRuleOf(alert, facts);
  for (const what of own?.waiting_for ?? []) add('warning', what);
  if (facts.prometheus !== null && !isSilent(facts.prometheus) && alert.mayBeEmpty === undefined) {
    const { series } = facts.prometheus;
    const missing = alert.series.filter((name) => !series.has(name));
    for (const name of missing) add('warning', `Prometheus has no sample of ${name} from the last 5 minutes`);
  }
  if (findings.length > 0) return findings;
  const reason = alert.mayBeEmpty === undefined ? '' : ` (may have none: ${alert.mayBeEmpty})`;
  const unknown = unjudged(own, facts);
  if (unknown === null) add('ok', `recent${reason}`);
  else add('unknown', unknown);
  return findings;
}

function ruleStep(alert: ExpectedAlert, facts: AlertFacts): StepFinding[] {
  const findings: StepFinding[] = [];
  const add = (status: Finding['status'], message: string) =>
    findings.push({ step: 'rule', status, message });
  if (facts.server !== null && !isSilent(facts.server)) {
    const own = serverRuleOf(alert, facts);
    if (own?.judged_by.includes('app')) add('ok', `judged by the server: ${own.state}`);
    for (const problem of own?.problems ?? []) add('error', problem);
  }
  if (facts.prometheus !== null && !isSilent(facts.prometheus)) {
    const loaded = facts.prometheus.rules.find((rule) => isRuleOf(alert, rule));
    if (!loaded) add('error', 'Prometheus has not loaded its rule: is alerts/rules among its rule_files?');
    else if (loaded.health === 'err')
      add('error', `Prometheus cannot evaluate it: ${loaded.lastError ?? 'no reason given'}`);
    else if (loaded.duration !== alert.forSeconds)
      add(
        'warning',
        `Prometheus waits ${loaded.duration} s, this version ${alert.forSeconds} s: its rules are of another version`,
      );
    else add('ok', `loaded by Prometheus: ${loaded.state}`);
  }
  const unknown = isSilent(facts.prometheus)
    ? 'Prometheus did not answer'
    : unjudged(serverRuleOf(alert, facts), facts);
  if (unknown !== null && !findings.some(({ status }) => status === 'error')) add('unknown', unknown);
  return findings;
}

/** Why nobody who judges this rule has said anything about it; `null`: somebody has. */
function unjudged(own: ServerRule | undefined, { server, prometheus }: AlertFacts): string | null {
  if (prometheus !== null && !isSilent(prometheus)) return null;
  if (own?.judged_by.includes('app')) return null;
  const silent = isSilent(prometheus)
    ? 'Prometheus did not answer'
    : 'Prometheus was not asked: set PROMETHEUS_URL';
  if (own !== undefined) return `only Prometheus judges it; ${silent}`;
  return `${server === null ? 'no server runs on this DATA_DIR' : 'the server was not asked'}; ${silent}`;
}

function routeStep(alert: ExpectedAlert, { alertmanager }: AlertFacts): StepFinding[] {
  const finding = (status: Finding['status'], message: string): StepFinding[] => [
    { step: 'route', status, message },
  ];
  if (alertmanager === null || isSilent(alertmanager))
    return finding('unknown', 'Alertmanager did not answer');
  const { routes, from } = alertmanager;
  const receivers = routes.receiversOf({ alertname: alert.name, ...alert.labels });
  if (receivers.length === 0) return finding('error', `no route of ${from} takes it`);
  return receivers.flatMap((receiver) => {
    const addresses = routes.addressesOf(receiver);
    if (addresses === undefined)
      return finding('error', `${from} routes it to ${receiver}, which is not defined`);
    // What has no severity is routed to nobody on purpose.
    if (addresses === 0 && alert.labels.severity !== 'none')
      return finding('warning', `${from} routes it to ${receiver}, which sends to nobody`);
    return finding('ok', `${receiver}, by ${from}`);
  });
}

const serverRuleOf = ({ name, labels }: ExpectedAlert, { server }: AlertFacts) =>
  server === null || isSilent(server)
    ? undefined
    : server.find((rule) => rule.name === name && rule.severity === labels.severity);

const isRuleOf = (alert: ExpectedAlert, loaded: LoadedRule): boolean =>
  loaded.name === alert.name &&
  ['severity', 'long', 'short'].every((label) => loaded.labels[label] === alert.labels[label]);

/** What is wrong with the sources themselves: one line each, instead of one for every alert. */
export function sourceFindings({ server, prometheus, alertmanager }: AlertFacts): readonly Finding[] {
  const findings: Finding[] = [];
  if (isSilent(server)) findings.push({ status: 'warning', message: `not asked: ${server.silent}` });
  if (isSilent(prometheus)) {
    findings.push({ status: 'error', message: prometheus.silent, fix: 'check PROMETHEUS_URL' });
  } else if (prometheus !== null && prometheus.up === 0) {
    const message = `of ${prometheus.targets} targets of its job tidewatch, Prometheus reaches none`;
    findings.push({
      status: 'error',
      message,
      fix: 'add the server to scrape_configs, as alerts/prometheus.yml does',
    });
  }
  if (isSilent(alertmanager)) {
    findings.push({ status: 'error', message: alertmanager.silent, fix: 'check ALERTMANAGER_URL' });
  }
  return findings;
}
