import { type Edge, type Threshold, toBase, type Unit } from './thresholds.js';

/** A number as a person writes it: three significant digits, with its unit. */
export function inWords(value: number, unit: Unit): string {
  const digits =
    Math.abs(value) >= 1000
      ? Math.round(value).toLocaleString('en-US')
      : String(Number(value.toPrecision(3)));
  switch (unit) {
    case '%':
      return `${digits} %`;
    case '1':
    case 'ratio':
      return digits;
    default:
      return `${digits} ${unit}`;
  }
}

/** Prometheus template of a sample value, which is in the base unit. */
function valueTemplate(unit: Unit): string {
  switch (unit) {
    case 'ms':
    case 's':
      return '{{ $value | humanizeDuration }}';
    case 'GB':
      return '{{ $value | humanize }}B';
    case '%':
      return '{{ $value | humanizePercentage }}';
    case 'msg/s':
    case 'updates/s':
      return `{{ $value | humanize }} ${unit}`;
    default:
      return '{{ $value | humanize }}';
  }
}

interface Filling {
  readonly value: string;
  readonly threshold: string;
  readonly clear: string;
  readonly window: string;
  readonly label: (name: string) => string;
}

function fill(template: string, filling: Filling): string {
  return template.replaceAll(
    /\{(value|threshold|clear|window|label:(\w+))\}/g,
    (_, key: string, label?: string) =>
      label === undefined ? filling[key as 'value' | 'threshold' | 'clear' | 'window'] : filling.label(label),
  );
}

/** The sentence for people, in the app. */
export function forApp(
  template: string,
  facts: {
    readonly threshold: Threshold;
    readonly edge: Edge;
    readonly window: string;
    readonly value: number | null;
    readonly labels: Readonly<Record<string, string>>;
  },
): string {
  const { unit } = facts.threshold;
  return fill(template, {
    value: facts.value === null ? 'unknown' : inWords(facts.value, unit),
    threshold: inWords(facts.edge.threshold, unit),
    clear: inWords(facts.edge.clearThreshold, unit),
    window: facts.window,
    label: (name) => facts.labels[name] ?? 'unknown',
  });
}

/** The same sentence as a Prometheus annotation template. */
export function forPrometheus(template: string, threshold: Threshold, edge: Edge, window: string): string {
  return fill(template, {
    value: valueTemplate(threshold.unit),
    threshold: inWords(edge.threshold, threshold.unit),
    clear: inWords(edge.clearThreshold, threshold.unit),
    window,
    label: (name) => `{{ $labels.${name} }}`,
  });
}

/** An edge in base units, for PromQL. */
export const baseEdge = (threshold: Threshold, edge: Edge): { fire: number; clear: number } => ({
  fire: toBase(edge.threshold, threshold.unit),
  clear: toBase(edge.clearThreshold, threshold.unit),
});
