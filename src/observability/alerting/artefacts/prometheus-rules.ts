import { stringify } from 'yaml';
import { formatDuration } from '../duration.js';
import { resolveThreshold } from '../live-rules.js';
import { alertExpression, guardExpression, operatorOf, promql, promqlSamples } from '../promql.js';
import { type Rule, type RuleGroup, ruleGroups, type SignalRule } from '../rules/rule.js';
import { burnEdge, type SloRule, sloOf } from '../rules/slo.rules.js';
import {
  type Edge,
  type Severity,
  type Target,
  type Threshold,
  type Thresholds,
  toBase,
} from '../thresholds.js';
import { baseEdge, forPrometheus } from '../wording.js';

export interface RuleSet {
  readonly rules: readonly Rule[];
  readonly slos: readonly SloRule[];
  readonly thresholds: Thresholds;
}

export interface RenderOptions {
  /** Where people find Grafana; a deployment puts its own here. */
  readonly grafanaUrl: string;
  /** Evaluation interval of the groups; unset: the server's default. */
  readonly interval?: string;
}
export const shippedOptions: RenderOptions = { grafanaUrl: 'http://127.0.0.1:3000' };

interface PrometheusRecord {
  readonly record: string;
  readonly expr: string;
  readonly labels?: Readonly<Record<string, string>>;
}
export interface PrometheusAlert {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly keep_firing_for?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}
export type PrometheusEntry = PrometheusRecord | PrometheusAlert;

/** Entries of each file of `alerts/rules/`, recordings before the alerts that read them. */
export function prometheusRules(
  set: RuleSet,
  options: RenderOptions,
): ReadonlyMap<RuleGroup, readonly PrometheusEntry[]> {
  const out = new Map<RuleGroup, PrometheusEntry[]>(ruleGroups.map((group) => [group, []]));
  for (const rule of set.rules) {
    const threshold = resolveThreshold(rule, set.thresholds);
    const entries = out.get(rule.group) as PrometheusEntry[];
    if (isTarget(threshold) && rule.kind === 'signal') entries.push(...targetRecords(rule, threshold));
    for (const severity of ['warning', 'critical'] as const) {
      const alert = rule.alerts[severity];
      const edge = threshold[severity];
      if (alert === undefined || edge === null) continue;
      entries.push(alertEntry(rule, threshold, edge, alert, severity, options));
    }
  }
  for (const rule of set.slos) out.get('slo')?.push(...sloEntries(rule, set.thresholds, options));
  out.get('watchers')?.push(watchdog(options));
  return out;
}

/** The text of each file. */
export function renderRules(set: RuleSet, options: RenderOptions): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  for (const [group, rules] of prometheusRules(set, options)) {
    if (rules.length === 0) continue;
    const interval = options.interval === undefined ? {} : { interval: options.interval };
    const content = { groups: [{ name: `tidewatch-${group}`, ...interval, rules }] };
    files.set(
      `${group}.yml`,
      `# Generated from alerts/thresholds.yml and src/observability/alerting/rules by \`npm run generate\`; do not edit.\n${stringify(content, { lineWidth: 0, aliasDuplicateObjects: false })}`,
    );
  }
  return files;
}

const isTarget = (threshold: Threshold): threshold is Target => 'statistic' in threshold;

/** Value, samples and demand of a row: what alerts and panels read, so that nobody copies the query. */
const targetSeries = {
  value: 'tidewatch:target:value',
  samples: 'tidewatch:target:samples',
  demand: 'tidewatch:target:demand',
} as const;

function targetRecords(rule: SignalRule, target: Target): PrometheusRecord[] {
  const labels = { target: target.id };
  return [
    { record: targetSeries.value, expr: promql(rule.signal, target.windowMs), labels },
    { record: targetSeries.samples, expr: promqlSamples(rule.signal, target.windowMs), labels },
    ...(rule.demand
      ? [{ record: targetSeries.demand, expr: promql(rule.demand, target.windowMs), labels }]
      : []),
  ];
}

function alertEntry(
  rule: Rule,
  threshold: Threshold,
  edge: Edge,
  alert: string,
  severity: Severity,
  options: RenderOptions,
): PrometheusAlert {
  const window = formatDuration(threshold.windowMs);
  const expr = alertExpression({
    alert,
    ...valueAndGuards(rule, threshold),
    op: operatorOf(edge),
    ...baseEdge(threshold, edge),
  });
  return {
    alert,
    expr,
    ...timing(edge.forMs, threshold.keepFiringMs),
    labels: { severity, threshold: threshold.id },
    annotations: {
      summary: forPrometheus(rule.summary, threshold, edge, window),
      description: forPrometheus(rule.description, threshold, edge, window),
      ...links(alert, rule.dashboard, rule.kind === 'prometheus' && rule.global === true, options),
    },
  };
}

function valueAndGuards(
  rule: Rule,
  threshold: Threshold,
): { value: string; by: readonly string[]; guards: readonly string[] } {
  const by = rule.by ?? [];
  if (rule.kind === 'prometheus') {
    const value = rule.promql
      ? rule.promql(formatDuration(threshold.windowMs))
      : promql(rule.signal as NonNullable<typeof rule.signal>, threshold.windowMs, by);
    return { value, by, guards: [] };
  }
  if (isTarget(threshold))
    return { value: recorded('value', threshold), by, guards: targetGuards(threshold) };
  const enough =
    threshold.minSamples > 1
      ? [`((${promqlSamples(rule.signal, threshold.windowMs, by)}) >= ${threshold.minSamples})`]
      : [];
  const guards = (rule.guards ?? []).map((guard) => guardExpression(guard, threshold.windowMs, by));
  return { value: promql(rule.signal, threshold.windowMs, by), by, guards: [...guards, ...enough] };
}

const recorded = (what: keyof typeof targetSeries, target: Target): string =>
  `${targetSeries[what]}{target="${target.id}"}`;

function targetGuards(target: Target): string[] {
  const { demand, minSamples } = target;
  const guards = minSamples > 1 ? [`(${recorded('samples', target)} >= ${minSamples})`] : [];
  if (!demand) return guards;
  const share = Number((1 - demand.shortfall).toPrecision(12));
  return [
    ...guards,
    `(${recorded('demand', target)} >= ${toBase(demand.atLeast, target.unit)})`,
    `(${recorded('value', target)} < ${share} * ${recorded('demand', target)})`,
  ];
}

/** Names of the recorded shares and counts of a service level. */
const sloSeries = {
  errors: (windowMs: number): string => `tidewatch:slo_errors:ratio_rate${formatDuration(windowMs)}`,
  events: (windowMs: number): string => `tidewatch:slo_events:increase${formatDuration(windowMs)}`,
};

function sloEntries(rule: SloRule, thresholds: Thresholds, options: RenderOptions): PrometheusEntry[] {
  const slo = sloOf(rule, thresholds);
  const { windows, minEvents } = thresholds.burn;
  const labels = { slo: slo.id };
  const signal = rule.badShare(slo);
  const spans = [...new Set(windows.flatMap(({ longMs, shortMs }) => [shortMs, longMs]))].sort(
    (a, b) => a - b,
  );
  const records = spans.map((ms) => ({ record: sloSeries.errors(ms), expr: promql(signal, ms), labels }));
  const counts = [...new Set(windows.map(({ longMs }) => longMs))].map((ms) => ({
    record: sloSeries.events(ms),
    expr: promqlSamples(signal, ms),
    labels,
  }));
  const alerts = windows.map(({ longMs, shortMs, factor, severity, forMs }): PrometheusAlert => {
    const edge = burnEdge(slo, factor);
    const of = (name: string) => `${name}{slo="${slo.id}"}`;
    const [long, short] = [formatDuration(longMs), formatDuration(shortMs)];
    const worded = (text: string) =>
      text
        .replaceAll('{factor}', String(factor))
        .replaceAll('{long}', long)
        .replaceAll('{short}', short)
        .replaceAll('{value}', '{{ $value | humanizePercentage }}');
    return {
      alert: rule.alert,
      expr: [
        `${of(sloSeries.errors(longMs))} > ${edge}`,
        `and ${of(sloSeries.errors(shortMs))} > ${edge}`,
        `and ${of(sloSeries.events(longMs))} >= ${minEvents}`,
      ].join('\n'),
      ...timing(forMs, 0),
      labels: { severity, threshold: slo.id, long, short },
      annotations: {
        summary: worded(rule.summary),
        description: worded(rule.description),
        ...links(rule.alert, rule.dashboard, false, options),
      },
    };
  });
  return [...records, ...counts, ...alerts];
}

/**
 * Fires as long as fresh samples of some server arrive. Whoever receives it raises the alarm when it stops: no rule can
 * say that Prometheus itself is dead. It checks the age of a sample instead of `vector(1)`, which fires over a full disk too.
 */
function watchdog(options: RenderOptions): PrometheusAlert {
  return {
    alert: 'Watchdog',
    expr: 'count((time() - timestamp(up{job="tidewatch"} == 1)) < 60) > 0',
    labels: { severity: 'none', threshold: 'watchdog' },
    annotations: {
      summary: 'Scraping, rules and this way of notification work',
      description:
        'Fires all the time. Its receiver is a heartbeat monitor that raises the alarm when it stops coming.',
      ...links('Watchdog', 'tidewatch-overview', true, options),
    },
  };
}

const timing = (forMs: number, keepMs: number) => ({
  ...(forMs > 0 ? { for: formatDuration(forMs) } : {}),
  ...(keepMs > 0 ? { keep_firing_for: formatDuration(keepMs) } : {}),
});

function links(alert: string, dashboard: string, global: boolean, { grafanaUrl }: RenderOptions) {
  const instance = global ? '' : '?var-instance={{ $labels.instance }}';
  return {
    runbook: `alerts/runbooks/${alert}.md`,
    // The server itself hands out its runbooks; of an alert about no server in particular, the file is named only.
    ...(global ? {} : { runbook_url: `http://{{ $labels.instance }}/api/v1/alerts/runbooks/${alert}` }),
    dashboard_url: `${grafanaUrl}/d/${dashboard}${instance}`,
  };
}
