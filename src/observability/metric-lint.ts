import { type MetricSpec, unitOf } from './metric-spec.js';

/** Endings that name a unit other than a base unit: what they should be. */
const wrongUnits: readonly (readonly [RegExp, string])[] = [
  [/_(?:ms|millis|milliseconds|minutes|hours|us|micros|nanoseconds)(?:_total)?$/, 'seconds'],
  [/_(?:kb|mb|gb|kilobytes|megabytes|kib|mib)(?:_total)?$/, 'bytes'],
  [/_(?:percent|pct)(?:_total)?$/, 'ratio'],
];

/** What is wrong with a metric's declaration, one sentence each; the rules that promtool checks and our own. */
export function lintMetric(spec: MetricSpec, prefix = 'tidewatch_'): string[] {
  const { name, type, help, labels, buckets } = spec;
  const out: string[] = [];
  const wrong = (text: string) => out.push(`${name}: ${text}`);
  if (!/^[a-z][a-z0-9_]*$/.test(name)) wrong('is not lower snake case');
  if (!name.startsWith(prefix)) wrong(`does not begin with ${prefix}`);
  if (type === 'counter' && !name.endsWith('_total')) wrong('is a counter and does not end in _total');
  if (type !== 'counter' && name.endsWith('_total')) wrong('ends in _total and is no counter');
  if (/_(?:count|sum|bucket|info_total)$/.test(name))
    wrong('has an ending that Prometheus gives to parts of histograms');
  if (/(?:^|_)(?:gauge|counter|histogram)(?:_|$)/.test(name)) wrong('has its type in its name');
  for (const [pattern, unit] of wrongUnits) if (pattern.test(name)) wrong(`should be in ${unit}`);
  if (help.trim().length < 5 || !/[.!]$/.test(help.trim())) wrong('needs a help text that is a sentence');
  for (const [label, values] of Object.entries(labels)) {
    if (!/^[a-z_][a-z0-9_]*$/.test(label) || label.startsWith('__'))
      wrong(`label ${label} is not lower snake case`);
    if (label === 'le') wrong('label le belongs to histograms');
    if (name.includes(`_by_${label}`)) wrong(`has its label ${label} in its name`);
    if (values !== 'bounded' && new Set(values).size !== values.length)
      wrong(`label ${label} has a value twice`);
  }
  if (type === 'histogram') {
    if (!buckets || buckets.length === 0) wrong('is a histogram without buckets');
    else if (buckets.some((edge, i) => i > 0 && edge <= (buckets[i - 1] as number)))
      wrong('has buckets out of order');
    if (name.includes('duration') && unitOf(spec) !== 'seconds') wrong('measures time and is not in seconds');
  } else if (buckets) wrong('has buckets and is no histogram');
  return out;
}
