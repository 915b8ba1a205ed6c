import { setImmediate as nextTurn } from 'node:timers/promises';
import type { MetricFamily } from './metric-family.js';
import { unitOf } from './metric-spec.js';
import type { Metrics } from './metrics.js';
import { isBridged } from './prom-client-bridge.js';
import { CounterSeries, type Exemplar, GaugeSeries, type HistogramSeries, type Series } from './series.js';

export const promContentType = 'text/plain; version=0.0.4; charset=utf-8';
export const openMetricsContentType = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

/** How long one slice of a scrape may hold the event loop. */
const sliceMs = 4;

/** Whether an `Accept` header prefers OpenMetrics, the only format that carries exemplars. */
export function wantsOpenMetrics(accept: string | undefined): boolean {
  if (!accept) return false;
  let open = 0;
  let text = 0;
  for (const range of accept.split(',')) {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
    const q = Number(parameters.find((p) => p.startsWith('q='))?.slice(2) ?? 1);
    if (type === 'application/openmetrics-text') open = Math.max(open, q);
    else if (type === 'text/plain' || type === 'text/*' || type === '*/*') text = Math.max(text, q);
  }
  return open > 0 && open >= text;
}

/** What a scrape took; filled in by {@link expose}. */
export interface Slices {
  /** Event-loop time of all slices together. */
  eventLoopMs: number;
  /** The longest that one slice held the event loop. */
  longestMs: number;
  /** Lines that carry a value. */
  lines: number;
}

export const noSlices = (): Slices => ({ eventLoopMs: 0, longestMs: 0, lines: 0 });

/**
 * The scrape. Long ones are written in slices and let other work run in between, so that a big catalogue delays no
 * message. Values within one family are of one moment; families are at most a scrape apart.
 */
export async function expose(
  metrics: Metrics,
  openMetrics: boolean,
  slices: Slices = noSlices(),
): Promise<string> {
  const chunks: string[] = [];
  let start = performance.now();
  const endSlice = () => {
    const taken = performance.now() - start;
    slices.eventLoopMs += taken;
    slices.longestMs = Math.max(slices.longestMs, taken);
  };
  for (const family of metrics.families()) {
    const text = render(family, openMetrics);
    if (text === '') continue;
    chunks.push(text);
    slices.lines += linesOf(family);
    if (performance.now() - start > sliceMs) {
      endSlice();
      await nextTurn();
      start = performance.now();
    }
  }
  for (const { name } of foreign(metrics)) {
    chunks.push(`${await metrics.registry.getSingleMetricAsString(name)}\n`);
  }
  if (openMetrics) chunks.push('# EOF\n');
  const text = chunks.join('');
  endSlice();
  return text;
}

const linesOf = ({ series, spec }: MetricFamily): number =>
  series.size * (spec.type === 'histogram' ? (spec.buckets?.length ?? 0) + 3 : 1);

/** What a plugin registered with prom-client by itself. */
const foreign = (metrics: Metrics): { name: string }[] =>
  metrics.registry.getMetricsAsArray().filter((metric) => !isBridged(metric));

/** One family as text; empty when no series has a value. */
function render(family: MetricFamily, openMetrics: boolean): string {
  const { name, type, help } = family.spec;
  const familyName = openMetrics && type === 'counter' ? name.replace(/_total$/, '') : name;
  let lines = '';
  for (const series of family.series.values()) lines += renderSeries(family, series, openMetrics);
  if (lines === '') return '';
  const unit = openMetrics ? unitOf({ name: familyName }) : null;
  const unitLine = unit === null ? '' : `# UNIT ${familyName} ${unit}\n`;
  return `# HELP ${familyName} ${escapeHelp(help)}\n# TYPE ${familyName} ${type}\n${unitLine}${lines}`;
}

function renderSeries(family: MetricFamily, series: Series, openMetrics: boolean): string {
  const { name } = family.spec;
  if (series instanceof CounterSeries) return `${name}${block(series)} ${numeral(series.value)}\n`;
  if (series instanceof GaugeSeries) {
    const value = series.now();
    return value === undefined ? '' : `${name}${block(series)} ${numeral(value)}\n`;
  }
  return renderHistogram(name, family.spec.buckets ?? [], series, openMetrics);
}

function renderHistogram(
  name: string,
  bounds: readonly number[],
  series: HistogramSeries,
  openMetrics: boolean,
): string {
  const prefixes = bucketPrefixes(name, bounds, series);
  let out = '';
  let total = 0;
  for (let i = 0; i < series.counts.length; i++) {
    total += series.counts[i] as number;
    out += prefixes[i] + String(total);
    const exemplar = openMetrics ? series.exemplars?.[i] : undefined;
    out += exemplar ? ` ${renderExemplar(exemplar)}\n` : '\n';
  }
  return `${out}${name}_sum${block(series)} ${numeral(series.sum)}\n${name}_count${block(series)} ${total}\n`;
}

const renderExemplar = ({ traceId, value, tsMs }: Exemplar): string =>
  `# {trace_id="${traceId}"} ${numeral(value)} ${tsMs / 1000}`;

/** Label text never changes once a series exists, so it is made once. */
const blocks = new WeakMap<Series, string>();
const prefixesOf = new WeakMap<HistogramSeries, readonly string[]>();

function block(series: Series): string {
  const known = blocks.get(series);
  if (known !== undefined) return known;
  const pairs = labelPairs(series);
  const text = pairs === '' ? '' : `{${pairs}}`;
  blocks.set(series, text);
  return text;
}

function bucketPrefixes(name: string, bounds: readonly number[], series: HistogramSeries): readonly string[] {
  const known = prefixesOf.get(series);
  if (known !== undefined) return known;
  const pairs = labelPairs(series);
  const lead = `${name}_bucket{${pairs}${pairs === '' ? '' : ','}le="`;
  const made = [...bounds.map(numeral), '+Inf'].map((le) => `${lead}${le}"} `);
  prefixesOf.set(series, made);
  return made;
}

const labelPairs = (series: Series): string =>
  Object.entries(series.labels)
    .map(([key, value]) => `${key}="${escapeLabel(value)}"`)
    .join(',');

const numeral = (value: number): string =>
  value === Number.POSITIVE_INFINITY ? '+Inf' : value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value);

const escapeHelp = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
const escapeLabel = (text: string): string => escapeHelp(text).replaceAll('"', '\\"');
