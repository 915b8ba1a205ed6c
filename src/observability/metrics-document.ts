import type { CollectorManifest } from './collection/collector.js';
import { type LabelValues, type MetricSpec, unitOf } from './metric-spec.js';

/** A section of the catalogue. */
export interface DocumentSection {
  readonly title: string;
  readonly metrics: readonly MetricSpec[];
}

const preamble = `# Metrics

Generated from the catalogue (\`src/observability/catalogue/\`) and the manifests of the collectors
(\`collectors/*/\`) by \`npm run generate\`; a test compares all three with a scrape. Do not edit.

\`GET /metrics\` answers in Prometheus' text format, in OpenMetrics (with exemplars) when asked for.

- Units are base units and stand at the end of the name; what has none counts things.
- *bounded* labels are capped: further label sets share the series \`overflow\`, and
  \`tidewatch_metric_overflow_total\` counts them.
- A gauge without a value has no series: unknown is never 0.
- What a collector reports is as old as \`tidewatch_collector_sample_age_seconds\` says. After three intervals without a
  success its series are withdrawn and \`tidewatch_collector_stale\` is 1.
`;

/** METRICS.md. */
export function metricsDocument(
  sections: readonly DocumentSection[],
  collectors: readonly CollectorManifest[],
): string {
  const parts = [preamble];
  for (const { title, metrics } of sections) {
    if (metrics.length > 0) parts.push(`## ${title}\n\n${table(metrics)}`);
  }
  for (const manifest of collectors) parts.push(collectorPart(manifest));
  return `${parts.join('\n')}`;
}

function collectorPart({ name, description, intervalMs, budget, metrics }: CollectorManifest): string {
  const costs = [
    budget.dbMs > 0 ? `${budget.dbMs} ms in the database` : null,
    budget.redisCommands > 0 ? `${budget.redisCommands} Redis commands` : null,
    `${budget.eventLoopMs} ms of event loop`,
    `${budget.samples} series`,
  ].filter((cost) => cost !== null);
  const pace = `Every ${intervalMs / 1000} s; budget of a run: ${costs.join(', ')}.`;
  return `## Collector \`${name}\`\n\n${description} ${pace}\n\n${table(metrics)}`;
}

const table = (metrics: readonly MetricSpec[]): string =>
  ['| metric | type | unit | labels | meaning |', '|---|---|---|---|---|', ...metrics.map(row), ''].join(
    '\n',
  );

function row(spec: MetricSpec): string {
  const labels = Object.entries(spec.labels).map(([label, values]) => labelText(label, values, spec));
  const edges = spec.buckets === undefined ? '' : ` Buckets: ${spec.buckets.join(', ')}.`;
  const window = spec.window === undefined ? '' : ` Judged in the process as \`${spec.window}\`.`;
  const cells = [
    `\`${spec.name}\``,
    spec.type,
    unitOf(spec)?.replace('timestamp_seconds', 'Unix seconds') ?? '',
    labels.join('; '),
    `${spec.help}${edges}${window}`,
  ];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

const labelText = (label: string, values: LabelValues, { maxSeries }: MetricSpec): string =>
  values === 'bounded'
    ? `\`${label}\`: *bounded*${maxSeries === undefined ? '' : ` (${maxSeries} series)`}`
    : `\`${label}\`: ${values.join(', ')}`;
