import {
  type PrometheusAlert,
  prometheusRules,
  shippedOptions,
} from '../../observability/alerting/artefacts/prometheus-rules.js';
import { parseDuration } from '../../observability/alerting/duration.js';
import { rules } from '../../observability/alerting/rules/index.js';
import { sloRules } from '../../observability/alerting/rules/slo.rules.js';
import { loadThresholds } from '../../observability/alerting/thresholds.js';

/** An alert of this version, as Prometheus should have it. */
export interface ExpectedAlert {
  readonly name: string;
  /** Labels that its rule sets: `severity`, `threshold`, and `long` and `short` of a burn rate. */
  readonly labels: Readonly<Record<string, string>>;
  readonly forSeconds: number;
  /** Series that it is made of, recordings resolved to what they record; histograms with their suffix. */
  readonly series: readonly string[];
  /** Why these may be missing on a server that is well. */
  readonly mayBeEmpty: string | undefined;
}

export function expectedAlerts(): readonly ExpectedAlert[] {
  const set = { rules, slos: sloRules, thresholds: loadThresholds() };
  const entries = [...prometheusRules(set, shippedOptions).values()].flat();
  const recordOf = (name: string, label: string): readonly string[] =>
    entries.flatMap((entry) =>
      'record' in entry && entry.record === name && Object.values(entry.labels ?? {}).includes(label)
        ? [entry.expr]
        : [],
    );
  return entries
    .filter((entry): entry is PrometheusAlert => 'alert' in entry)
    .map(({ alert, expr, labels, for: dwell }) => ({
      name: alert,
      labels: { ...labels },
      forSeconds: (parseDuration(dwell ?? '0s') ?? 0) / 1000,
      series: [...new Set(seriesIn(expr, recordOf))].sort(),
      mayBeEmpty: emptyReasonOf(alert),
    }));
}

/** Names in an expression; a recording counts as what it records for the row or service level that is asked for. */
function seriesIn(
  expr: string,
  recordOf: (name: string, label: string) => readonly string[],
): readonly string[] {
  const recorded = [...expr.matchAll(/\b(tidewatch:[\w:]+)\{\w+="(\w+)"\}/g)].flatMap(
    ([, name = '', label = '']) => recordOf(name, label).flatMap((inner) => seriesIn(inner, recordOf)),
  );
  // Text in quotes is a label's value, and no name.
  const bare = expr.replaceAll(/"[^"]*"/g, '""');
  return [...recorded, ...[...bare.matchAll(/\b(tidewatch_\w+|up(?=\{))/g)].map(([, name = '']) => name)];
}

function emptyReasonOf(alert: string): string | undefined {
  const rule = rules.find(({ alerts }) => Object.values(alerts).includes(alert));
  return rule?.kind === 'signal' ? rule.mayBeEmpty : undefined;
}
