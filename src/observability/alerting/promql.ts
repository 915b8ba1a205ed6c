import { formatDuration } from './duration.js';
import { eventsOf, type Guard, type Select, type Signal } from './signal.js';
import type { Edge } from './thresholds.js';

/** Labels that tell processes apart; every expression keeps them, so an alert names the process it is about. */
const processLabels = ['job', 'instance'] as const;

/** Writes a signal as PromQL, one series per process and per value of the labels in `by`. */
export function promql(signal: Signal, windowMs: number, by: readonly string[] = []): string {
  const window = `[${formatDuration(windowMs)}]`;
  const group = (...more: string[]) => `by (${[...processLabels, ...by, ...more].join(', ')})`;
  switch (signal.kind) {
    case 'gauge': {
      const series = selector(signal.of);
      const value = signal.overWindow ? `avg_over_time(${series}${window})` : series;
      return `${signal.reduce} ${group()} (${value})`;
    }
    case 'rate':
      return `sum ${group()} (rate(${selector(signal.of, countSuffix(signal.of))}${window}))`;
    case 'increase':
      // Prometheus extrapolates: five events show as 5.08, which is not more than five.
      return `round(sum ${group()} (increase(${selector(signal.of, countSuffix(signal.of))}${window})))`;
    case 'share': {
      const events = (of: Select) => `sum ${group()} (rate(${selector(of, countSuffix(of))}${window}))`;
      const all = events(signal.of);
      return `(${events(signal.part)} or 0 * ${all}) / ${all}`;
    }
    case 'mean':
      return (
        `sum ${group()} (rate(${selector(signal.of, '_sum')}${window})) / ` +
        `sum ${group()} (rate(${selector(signal.of, '_count')}${window}))`
      );
    case 'quantile':
      return `histogram_quantile(${signal.q}, sum ${group('le')} (rate(${selector(signal.of, '_bucket')}${window})))`;
    case 'share_above': {
      const within = selector(signal.of, '_bucket', { le: String(signal.edge) });
      return (
        `1 - sum ${group()} (rate(${within}${window})) / ` +
        `sum ${group()} (rate(${selector(signal.of, '_count')}${window}))`
      );
    }
    case 'age':
      return `time() - ${signal.reduce === 'oldest' ? 'min' : 'max'} ${group()} (${selector(signal.of)})`;
    case 'ratio':
      return `(${promql(signal.over, windowMs, by)}) / (${promql(signal.under, windowMs, by)})`;
  }
}

/** Writes how many samples a signal's value rests on. */
export function promqlSamples(signal: Signal, windowMs: number, by: readonly string[] = []): string {
  const window = `[${formatDuration(windowMs)}]`;
  const group = `by (${[...processLabels, ...by].join(', ')})`;
  const events = eventsOf(signal);
  if (events) {
    return `sum ${group} (increase(${selector(events, countSuffix(events))}${window}))`;
  }
  const of = signal.kind === 'ratio' ? firstSelection(signal) : signal.of;
  return `max ${group} (count_over_time(${selector(of, countSuffix(of))}${window}))`;
}

/** What a metric counts its events in. */
const countSuffix = (of: Select): string => (of.metric.type === 'histogram' ? '_count' : '');

/** `name{label="value"}`; a list of values becomes an anchored alternative. */
function selector(of: Select, suffix = '', extra: Readonly<Record<string, string>> = {}): string {
  const matchers = Object.entries({ ...of.where, ...extra }).map(([label, value]) =>
    typeof value === 'string' ? `${label}="${value}"` : `${label}=~"${value.join('|')}"`,
  );
  return of.metric.name + suffix + (matchers.length > 0 ? `{${matchers.join(', ')}}` : '');
}

/** Comparison operator of an edge: what is bad. */
export function operatorOf(edge: Pick<Edge, 'direction' | 'inclusive'>): '>' | '>=' | '<' | '<=' {
  if (edge.direction === 'above') return edge.inclusive ? '>=' : '>';
  return edge.inclusive ? '<=' : '<';
}

export interface AlertExpression {
  readonly alert: string;
  /** PromQL of the value, in base units. */
  readonly value: string;
  readonly op: string;
  readonly fire: number;
  readonly clear: number;
  readonly by: readonly string[];
  /** PromQL conditions, each a vector filter; joined with `and`. */
  readonly guards: readonly string[];
}

/**
 * Writes an alert's expression. Where the clear threshold differs, the alert goes on while it already fires and the
 * value is still beyond it: Prometheus has no recovery threshold of its own, but it has the `ALERTS` series.
 */
export function alertExpression(e: AlertExpression): string {
  const value = `(${e.value})`;
  const fires = `${value} ${e.op} ${e.fire}`;
  const on = [...processLabels, ...e.by].join(', ');
  const held =
    e.clear === e.fire
      ? fires
      : `(\n  ${fires}\n  or\n  (${value} ${e.op} ${e.clear}\n    and on (${on}) ALERTS{alertname="${e.alert}", alertstate="firing"})\n)`;
  return [held, ...e.guards.map((guard) => `and on (${on}) ${guard}`)].join('\n');
}

export const guardExpression = (guard: Guard, windowMs: number, by: readonly string[]): string =>
  `((${promql(guard.signal, guard.windowMs ?? windowMs, by)}) ${guard.op} ${guard.value})`;

function firstSelection(signal: Signal): Select {
  return signal.kind === 'ratio' ? firstSelection(signal.over) : signal.of;
}
