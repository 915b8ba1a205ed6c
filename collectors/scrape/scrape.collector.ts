import { z } from 'zod';
import {
  type CollectorContext,
  type CollectorDefinition,
  type CollectorKit,
  type Declaration,
  defineCollector,
  type MetricSpec,
  NoData,
  readDocument,
  type UnusableCollector,
} from '../../src/observability/collection/collector.js';
import { parsePrometheusText, type ScrapedSample } from './prometheus-text.js';

const metricName = z.string().regex(/^[a-zA-Z_][a-zA-Z0-9_]*$/, 'is not a metric name');

/** One `*.scrape.yml` file. */
const declarationSchema = z.strictObject({
  description: z.string().min(1),
  url: z.url({ protocol: /^https?$/ }),
  headers: z.record(z.string(), z.string()).default({}),
  interval_seconds: z.number().min(1).max(86_400).default(15),
  timeout_seconds: z.number().min(0.1).max(60).default(5),
  /** What is taken over; everything else the endpoint says is left there. */
  metrics: z
    .array(
      z.strictObject({
        /** The name there; for one part of a histogram or summary, with its `_sum` or `_count`. */
        name: metricName,
        /** The name here; the same unless given. */
        as: metricName.optional(),
        type: z.enum(['gauge', 'counter']),
        help: z.string().min(1),
        /** Labels that are kept: their values, or `bounded`. Series that differ in others only are combined. */
        labels: z.record(z.string(), z.union([z.literal('bounded'), z.array(z.string()).min(1)])).default({}),
        combine: z.enum(['sum', 'max', 'min']).default('sum'),
        max_series: z.number().int().min(1).max(1_000).default(100),
      }),
    )
    .min(1),
});
type ScrapeDeclaration = z.output<typeof declarationSchema>;
type ScrapeMetric = ScrapeDeclaration['metrics'][number];

/** Each file is a collector of its own. */
export default ({ declarations }: CollectorKit): (CollectorDefinition | UnusableCollector)[] =>
  declarations('scrape').map(fromDeclaration);

export function fromDeclaration({ name, path, text }: Declaration): CollectorDefinition | UnusableCollector {
  const unusable = (error: string) => ({ name: `scrape-${name}`, path, error });
  try {
    return definitionOf(name, readDocument(declarationSchema, text, 'YAML'));
  } catch (error) {
    return unusable(error instanceof Error ? error.message : String(error));
  }
}

function definitionOf(name: string, declaration: ScrapeDeclaration): CollectorDefinition {
  const metrics = declaration.metrics.map((metric) => ({ metric, spec: specOf(metric) }));
  const wanted = new Set(declaration.metrics.map((metric) => metric.name));
  return defineCollector<unknown>({
    manifest: {
      name: `scrape-${name}`,
      description: declaration.description,
      config: z.strictObject({}),
      metrics: metrics.map(({ spec }) => spec),
      intervalMs: declaration.interval_seconds * 1000,
      timeoutMs: declaration.timeout_seconds * 1000,
      budget: { dbMs: 0, redisCommands: 0, eventLoopMs: 30, samples: 1_000 },
    },
    create: (context: CollectorContext) => ({
      async collect() {
        const headers = { accept: 'text/plain;version=0.0.4', ...declaration.headers };
        const { status, text } = await context.fetch(declaration.url, headers);
        if (status !== 200) throw new Error(`the endpoint answered ${status}`);
        const samples = [...parsePrometheusText(text, wanted)];
        if (samples.length === 0) throw new NoData('the endpoint has none of the metrics');
        for (const { metric, spec } of metrics) report(context, metric, spec, samples);
      },
    }),
  });
}

const specOf = ({ name, as, type, help, labels, max_series: maxSeries }: ScrapeMetric): MetricSpec => ({
  name: as ?? name,
  type,
  help,
  labels,
  maxSeries,
});

function report(
  { metrics }: CollectorContext,
  { name, labels, combine }: ScrapeMetric,
  spec: MetricSpec,
  samples: readonly ScrapedSample[],
): void {
  const kept = new Map<string, { labels: Record<string, string>; value: number }>();
  for (const sample of samples) {
    if (sample.name !== name || Number.isNaN(sample.value)) continue;
    const own = Object.fromEntries(Object.keys(labels).map((label) => [label, sample.labels[label] ?? '']));
    const key = JSON.stringify(own);
    const before = kept.get(key);
    kept.set(key, {
      labels: own,
      value: before === undefined ? sample.value : combined(combine, before.value, sample.value),
    });
  }
  for (const { labels: own, value } of kept.values()) metrics.set(spec, value, own);
}

const combined = (how: ScrapeMetric['combine'], a: number, b: number): number =>
  how === 'sum' ? a + b : how === 'max' ? Math.max(a, b) : Math.min(a, b);
