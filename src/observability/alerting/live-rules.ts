import { formatDuration } from './duration.js';
import type { Rule, SignalRule } from './rules/rule.js';
import { burnEdge, type SloRule, sloOf } from './rules/slo.rules.js';
import type { ConditionSpec } from './state-machine.js';
import {
  conditionOf,
  type Edge,
  type Severity,
  type Slo,
  type Target,
  type Threshold,
  type Thresholds,
} from './thresholds.js';

/** One side of one rule's threshold: what can be pending, fire and resolve. */
export interface LiveAlert {
  readonly name: string;
  readonly severity: Severity;
  readonly rule: SignalRule;
  readonly threshold: Threshold;
  readonly edge: Edge;
  readonly condition: ConditionSpec;
  /** Labels that tell alerts of one name apart; empty for most. */
  readonly labels: Readonly<Record<string, string>>;
}

/** @throws Error when a rule names a threshold that is not there, or leaves one of its sides without an alert */
export function resolveThreshold(rule: Rule, thresholds: Thresholds): Threshold | Target {
  const found = thresholds.targets.get(rule.threshold) ?? thresholds.limits.get(rule.threshold);
  if (!found)
    throw new Error(`rule ${Object.values(rule.alerts)}: no threshold is named "${rule.threshold}"`);
  for (const severity of ['warning', 'critical'] as const) {
    if ((found[severity] === null) !== (rule.alerts[severity] === undefined)) {
      throw new Error(`threshold ${found.id}: its ${severity} and the alerts that are named do not agree`);
    }
  }
  return found;
}

/** Everything that the app itself can judge. */
export function liveAlerts(rules: readonly Rule[], thresholds: Thresholds): readonly LiveAlert[] {
  return rules
    .filter((rule) => rule.kind === 'signal')
    .flatMap((rule) => {
      const threshold = resolveThreshold(rule, thresholds);
      return (['warning', 'critical'] as const).flatMap((severity): LiveAlert[] => {
        const edge = threshold[severity];
        const name = rule.alerts[severity];
        if (edge === null || name === undefined) return [];
        const condition = conditionOf(threshold, edge);
        return [{ name, severity, rule, threshold, edge, condition, labels: {} }];
      });
    });
}

/** The longest window that the app remembers; slower burns are Prometheus' to find. */
const longestLiveWindowMs = 6 * 3_600_000;

/** Burn rates of the service levels, for the windows that the app remembers. */
export function liveBurns(slos: readonly SloRule[], thresholds: Thresholds): readonly LiveAlert[] {
  return slos.flatMap((slo) => burnsOf(slo, sloOf(slo, thresholds), thresholds.burn));
}

function burnsOf(rule: SloRule, slo: Slo, burn: Thresholds['burn']): LiveAlert[] {
  const signal = rule.badShare(slo);
  return burn.windows
    .filter(({ longMs }) => longMs <= longestLiveWindowMs)
    .map(({ longMs, shortMs, factor, severity, forMs }) => {
      const value = burnEdge(slo, factor);
      const edge: Edge = {
        direction: 'above',
        threshold: value,
        clearThreshold: value,
        inclusive: false,
        forMs,
      };
      const threshold: Threshold = {
        id: slo.id,
        measures: slo.measures,
        unit: 'ratio',
        windowMs: longMs,
        keepFiringMs: 0,
        minSamples: burn.minEvents,
        reason: slo.reason,
        warning: severity === 'warning' ? edge : null,
        critical: severity === 'critical' ? edge : null,
      };
      const [long, short] = [formatDuration(longMs), formatDuration(shortMs)];
      const worded = (text: string) =>
        text.replaceAll('{factor}', String(factor)).replaceAll('{long}', long).replaceAll('{short}', short);
      const signalRule: SignalRule = {
        kind: 'signal',
        group: 'slo',
        threshold: slo.id,
        alerts: { [severity]: rule.alert },
        signal,
        guards: [{ signal, windowMs: shortMs, op: '>', value }],
        dashboard: rule.dashboard,
        summary: worded(rule.summary),
        description: worded(rule.description),
      };
      const condition = conditionOf(threshold, edge);
      return {
        name: rule.alert,
        severity,
        rule: signalRule,
        threshold,
        edge,
        condition,
        labels: { long, short },
      };
    });
}
