import { rules } from '../rules/index.js';
import { sloRules } from '../rules/slo.rules.js';
import { loadThresholds } from '../thresholds.js';
import { renderRules, shippedOptions } from './prometheus-rules.js';
import { renderRuleTests } from './rule-tests.js';

/** Prometheus rules and their promtool tests, from the thresholds and the rules. */
export async function artefacts(): Promise<readonly { path: string; text: string }[]> {
  const set = { rules, slos: sloRules, thresholds: loadThresholds() };
  return [
    ...[...renderRules(set, shippedOptions)].map(([name, text]) => ({ path: `alerts/rules/${name}`, text })),
    ...[...renderRuleTests(set)].map(([name, text]) => ({ path: `alerts/tests/${name}`, text })),
  ];
}
