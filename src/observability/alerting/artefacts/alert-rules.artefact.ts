import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { rules } from '../rules/index.js';
import { sloRules } from '../rules/slo.rules.js';
import { loadThresholds, packageRoot } from '../thresholds.js';
import { renderRules, shippedOptions } from './prometheus-rules.js';
import { renderRuleTests } from './rule-tests.js';
import { withThresholdTable } from './threshold-table.js';

/** Prometheus rules and their promtool tests, from the thresholds and the rules; the table in the README. */
export async function artefacts(): Promise<readonly { path: string; text: string }[]> {
  const set = { rules, slos: sloRules, thresholds: loadThresholds() };
  const readme = readFileSync(join(packageRoot(), 'README.md'), 'utf8');
  return [
    { path: 'README.md', text: withThresholdTable(readme) },
    ...[...renderRules(set, shippedOptions)].map(([name, text]) => ({ path: `alerts/rules/${name}`, text })),
    ...[...renderRuleTests(set)].map(([name, text]) => ({ path: `alerts/tests/${name}`, text })),
  ];
}
