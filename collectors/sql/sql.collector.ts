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

const column = z.string().regex(/^[a-z_][a-z0-9_]*$/, 'is not a column name in lower case');

/** One `*.sql.yml` file. */
const declarationSchema = z.strictObject({
  description: z.string().min(1),
  interval_seconds: z.number().min(1).max(86_400).default(60),
  timeout_seconds: z.number().min(0.1).max(60).default(5),
  /** What one run may take in the database, ms. */
  budget_ms: z.number().positive().default(200),
  query: z.string().min(1),
  metrics: z
    .array(
      z.strictObject({
        name: z.string().regex(/^[a-z][a-z0-9_]*$/, 'is not a metric name'),
        type: z.enum(['gauge', 'counter']).default('gauge'),
        help: z.string().min(1),
        /** The column that holds the number. */
        value: column.default('value'),
        /** Columns that become labels: their values, or `bounded`. */
        labels: z.record(column, z.union([z.literal('bounded'), z.array(z.string()).min(1)])).default({}),
        max_series: z.number().int().min(1).max(1_000).default(100),
      }),
    )
    .min(1),
});
type SqlDeclaration = z.output<typeof declarationSchema>;
type SqlMetric = SqlDeclaration['metrics'][number];

/** Each file is a collector of its own: a query that hangs stalls none of the others. */
export default ({ declarations }: CollectorKit): (CollectorDefinition | UnusableCollector)[] =>
  declarations('sql').map(fromDeclaration);

export function fromDeclaration({ name, path, text }: Declaration): CollectorDefinition | UnusableCollector {
  const unusable = (error: string) => ({ name: `sql-${name}`, path, error });
  try {
    return definitionOf(name, readDocument(declarationSchema, text, 'YAML'));
  } catch (error) {
    return unusable(error instanceof Error ? error.message : String(error));
  }
}

function definitionOf(name: string, declaration: SqlDeclaration): CollectorDefinition {
  const metrics = declaration.metrics.map((metric) => ({ metric, spec: specOf(metric) }));
  return defineCollector<unknown>({
    manifest: {
      name: `sql-${name}`,
      description: declaration.description,
      config: z.strictObject({}),
      metrics: metrics.map(({ spec }) => spec),
      intervalMs: declaration.interval_seconds * 1000,
      timeoutMs: declaration.timeout_seconds * 1000,
      budget: { dbMs: declaration.budget_ms, redisCommands: 0, eventLoopMs: 20, samples: 1_000 },
    },
    create: (context: CollectorContext) => ({
      async collect() {
        if (context.database === null) throw new NoData('this process has no database');
        const rows = await context.database.query<Record<string, unknown>>(declaration.query);
        if (rows.length === 0) throw new NoData('the query gave no row');
        for (const { metric, spec } of metrics) report(context, metric, spec, rows);
      },
    }),
  });
}

const specOf = ({ name, type, help, labels, max_series: maxSeries }: SqlMetric): MetricSpec => ({
  name,
  type,
  help,
  labels,
  maxSeries,
});

/** @throws Error when a column is missing or holds no number: a typing error in the file must not look like no data */
function report(
  { metrics }: CollectorContext,
  metric: SqlMetric,
  spec: MetricSpec,
  rows: readonly Record<string, unknown>[],
): void {
  for (const row of rows) {
    const labels: Record<string, string> = {};
    for (const label of Object.keys(metric.labels)) labels[label] = String(cell(row, label) ?? '');
    const value = cell(row, metric.value);
    if (value === null) continue;
    const number = Number(value);
    if (Number.isNaN(number))
      throw new Error(`column ${metric.value} holds ${JSON.stringify(value)}, no number`);
    metrics.set(spec, number, labels);
  }
}

function cell(row: Record<string, unknown>, column: string): unknown {
  if (!(column in row)) throw new Error(`the query has no column ${column}`);
  return row[column];
}
