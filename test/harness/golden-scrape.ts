import { parsePrometheusText } from '../../collectors/scrape/prometheus-text.js';

/** A scrape without its values: one line per metric, `name type label label…`, sorted. */
export function goldenLines(text: string): string[] {
  const types = new Map<string, string>();
  for (const [, name = '', type = ''] of text.matchAll(/^# TYPE (\S+) (\S+)$/gm)) types.set(name, type);
  const samples = new Set([...types].map(([name, type]) => (type === 'histogram' ? `${name}_count` : name)));
  const lines = new Set<string>();
  for (const { name, labels } of parsePrometheusText(text, samples)) {
    const metric = types.has(name) ? name : name.replace(/_count$/, '');
    lines.add([metric, types.get(metric), ...Object.keys(labels).sort()].join(' '));
  }
  return [...lines].sort();
}
