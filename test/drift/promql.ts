import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parser } from '@prometheus-io/lezer-promql';
import {
  prometheusRules,
  shippedOptions,
} from '../../src/observability/alerting/artefacts/prometheus-rules.js';
import { rules } from '../../src/observability/alerting/rules/index.js';
import { sloRules } from '../../src/observability/alerting/rules/slo.rules.js';
import { loadThresholds, packageRoot } from '../../src/observability/alerting/thresholds.js';
import { catalogue } from '../../src/observability/catalogue/index.js';
import type { CollectorDefinition } from '../../src/observability/collection/collector.js';
import type { LabelValues, MetricSpec } from '../../src/observability/metric-spec.js';

export interface Matcher {
  readonly label: string;
  readonly op: '=' | '!=' | '=~' | '!~';
  readonly value: string;
}
export interface Selector {
  readonly metric: string;
  readonly matchers: readonly Matcher[];
}
export interface Expression {
  /** Text of the places that the official grammar does not accept. */
  readonly errors: readonly string[];
  readonly selectors: readonly Selector[];
  /** Labels in `by`, `on` and `ignoring`. */
  readonly grouping: readonly string[];
}

/** Parses with the grammar that Prometheus' own UI uses. */
export function parsePromql(text: string): Expression {
  const errors: string[] = [];
  const selectors: { metric: string; matchers: Matcher[] }[] = [];
  const grouping: string[] = [];
  let inGrouping = false;
  parser.parse(text).iterate({
    enter(node) {
      const part = text.slice(node.from, node.to);
      if (node.type.isError) errors.push(text.slice(Math.max(0, node.from - 20), node.to + 20));
      else if (node.name === 'VectorSelector') selectors.push({ metric: '', matchers: [] });
      else if (node.name === 'Identifier') {
        const selector = selectors.at(-1);
        if (selector) selector.metric = part;
      } else if (node.name === 'UnquotedLabelMatcher') {
        const [, label = '', op = '', value = ''] = /^(\w+)\s*(=~|!~|!=|=)\s*"(.*)"$/s.exec(part) ?? [];
        selectors.at(-1)?.matchers.push({ label, op: op as Matcher['op'], value });
      } else if (node.name === 'GroupingLabels') inGrouping = true;
      else if (node.name === 'LabelName' && inGrouping) grouping.push(part);
    },
    leave(node) {
      if (node.name === 'GroupingLabels') inGrouping = false;
    },
  });
  return { errors, selectors, grouping };
}

/** Definitions of every shipped collector, found the way the server finds them. */
export async function collectorDefinitions(): Promise<readonly CollectorDefinition[]> {
  const folder = join(packageRoot(), 'collectors');
  const files = (readdirSync(folder, { recursive: true }) as string[]).filter((f) =>
    f.endsWith('.collector.ts'),
  );
  const loaded = await Promise.all(
    files.map(async (file) => ((await import(join(folder, file))) as { default?: unknown }).default),
  );
  // The declarative kinds export a way to make collectors from a file; their metrics are whatever the file says.
  return loaded
    .flat()
    .filter((found): found is CollectorDefinition => Object.hasOwn(Object(found), 'manifest'));
}

/** A series name that something exports, and the values each of its labels may have. */
export interface KnownSeries {
  readonly labels: Readonly<Record<string, LabelValues>>;
  readonly spec: MetricSpec | null;
}

const processLabels = { job: 'bounded', instance: 'bounded' } as const;

/** Everything that a query may name: the catalogue, the collectors' manifests, recorded series, and Prometheus' own. */
export async function knownSeries(): Promise<ReadonlyMap<string, KnownSeries>> {
  const known = new Map<string, KnownSeries>();
  const collected = (await collectorDefinitions()).flatMap(({ manifest }) => manifest.metrics);
  for (const spec of [...catalogue, ...collected]) {
    const labels = { ...processLabels, ...spec.labels };
    if (spec.type !== 'histogram') known.set(spec.name, { labels, spec });
    else {
      known.set(`${spec.name}_sum`, { labels, spec });
      known.set(`${spec.name}_count`, { labels, spec });
      const le = [...(spec.buckets ?? []).map(String), '+Inf'];
      known.set(`${spec.name}_bucket`, { labels: { ...labels, le }, spec });
    }
  }
  const set = { rules, slos: sloRules, thresholds: loadThresholds() };
  for (const entry of [...prometheusRules(set, shippedOptions).values()].flat()) {
    if (!('record' in entry)) continue;
    const before = known.get(entry.record)?.labels ?? processLabels;
    const own = Object.fromEntries(
      Object.entries(entry.labels ?? {}).map(([name, value]) => [
        name,
        [...((before[name as keyof typeof before] as readonly string[] | undefined) ?? []), value],
      ]),
    );
    known.set(entry.record, { labels: { ...before, ...own }, spec: null });
  }
  known.set('up', { labels: processLabels, spec: null });
  known.set('ALERTS', {
    labels: {
      ...processLabels,
      alertname: 'bounded',
      alertstate: ['pending', 'firing'],
      severity: ['warning', 'critical', 'none'],
      threshold: 'bounded',
    },
    spec: null,
  });
  return known;
}

/** What is wrong with the names in an expression; empty when all of them exist. */
export function unknownNames(
  expression: Expression,
  known: ReadonlyMap<string, KnownSeries>,
): readonly string[] {
  const wrong: string[] = [];
  const labels = new Set<string>(['le', 'job', 'instance']);
  for (const { metric, matchers } of expression.selectors) {
    const series = known.get(metric);
    if (!series) {
      wrong.push(`${metric} is exported by nobody`);
      continue;
    }
    for (const label of Object.keys(series.labels)) labels.add(label);
    for (const matcher of matchers) wrong.push(...unknownValues(metric, matcher, series));
  }
  for (const label of expression.grouping) {
    if (!labels.has(label)) wrong.push(`no metric of the expression has the label ${label}`);
  }
  return wrong;
}

function unknownValues(metric: string, { label, op, value }: Matcher, series: KnownSeries): string[] {
  const allowed = series.labels[label];
  if (allowed === undefined) return [`${metric} has no label ${label}`];
  if (allowed === 'bounded' || value.includes('$')) return [];
  const values = op === '=~' || op === '!~' ? value.split('|') : [value];
  return values.filter((v) => !allowed.includes(v)).map((v) => `${metric}: ${label} is never "${v}"`);
}
