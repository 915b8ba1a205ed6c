import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { readDocument } from '../../domain/read-document.js';
import { parseDuration } from './duration.js';
import { type ConditionSpec, checkCondition, type Direction } from './state-machine.js';

const unitNames = ['ms', 's', 'GB', '%', 'ratio', 'msg/s', 'updates/s', '1'] as const;
export type Unit = (typeof unitNames)[number];

/** Factor from the unit a threshold is written in to the base unit of the metric it is compared with. */
const unitScale: Readonly<Record<Unit, number>> = {
  ms: 0.001,
  s: 1,
  GB: 1e9,
  '%': 0.01,
  ratio: 1,
  'msg/s': 1,
  'updates/s': 1,
  '1': 1,
};

/** @returns `value` in the base unit, without the noise of a binary factor (70 % is 0.7) */
export const toBase = (value: number, unit: Unit): number =>
  Number((value * unitScale[unit]).toPrecision(12));

/** @returns `value` in `unit`, from the base unit */
export const fromBase = (value: number, unit: Unit): number =>
  Number((value / unitScale[unit]).toPrecision(12));

const duration = z.string().transform((text, context) => {
  const ms = parseDuration(text);
  if (ms !== null) return ms;
  context.addIssue({ code: 'custom', message: `"${text}" is not a duration such as 90s or 5m` });
  return z.NEVER;
});
const number = z.number();
const edge = z
  .strictObject({
    below: number.optional(),
    above: number.optional(),
    at_least: number.optional(),
    at_most: number.optional(),
    clear: number.optional(),
    for: duration,
  })
  .refine(
    (e) => [e.below, e.above, e.at_least, e.at_most].filter((v) => v !== undefined).length === 1,
    'needs exactly one of below, above, at_least, at_most',
  );
const judged = {
  measures: z.string().min(1),
  unit: z.enum(unitNames),
  window: duration,
  keep_firing_for: duration.default(0),
  min_samples: z.int().min(1).default(1),
  reason: z.string().min(1),
};
const target = z.strictObject({
  component: z.string().min(1),
  statistic: z.enum(['mean', 'p95', 'rate', 'last']),
  ...judged,
  target: edge,
  critical: edge,
  demand: z.strictObject({ at_least: number.positive(), shortfall: number.min(0).max(1) }).optional(),
});
const limit = z
  .strictObject({ ...judged, warning: edge.optional(), critical: edge.optional() })
  .refine((l) => l.warning ?? l.critical, 'needs a warning or a critical edge');
const slo = z.strictObject({
  measures: z.string().min(1),
  objective: z.number().gt(0).lt(1),
  edge: z.strictObject({ target: z.string(), of: z.enum(['target', 'critical']) }).optional(),
  reason: z.string().min(1),
});
const burnWindow = z.strictObject({
  long: duration,
  short: duration,
  factor: number.positive(),
  severity: z.enum(['warning', 'critical']),
  for: duration,
});
const name = z.string().regex(/^[a-z][a-z0-9_]*$/);
const file = z.strictObject({
  version: z.int().min(1),
  targets: z.record(name, target),
  limits: z.record(name, limit),
  slos: z.record(name, slo),
  burn: z.strictObject({ period: duration, min_events: z.int().min(1), windows: z.array(burnWindow).min(1) }),
});

export type Severity = 'warning' | 'critical';

/** One side of a threshold as a condition: what is bad, when it fires and when it ends. Numbers in the entry's unit. */
export interface Edge {
  readonly direction: Direction;
  readonly threshold: number;
  readonly clearThreshold: number;
  /** Whether the number itself is bad already. */
  readonly inclusive: boolean;
  readonly forMs: number;
}

export interface Threshold {
  readonly id: string;
  readonly measures: string;
  readonly unit: Unit;
  readonly windowMs: number;
  readonly keepFiringMs: number;
  readonly minSamples: number;
  readonly reason: string;
  readonly warning: Edge | null;
  readonly critical: Edge | null;
}

/** One of the eight rows. Its `warning` is the target missed, its `critical` the critical threshold crossed. */
export interface Target extends Threshold {
  readonly component: string;
  readonly statistic: 'mean' | 'p95' | 'rate' | 'last';
  readonly warning: Edge;
  readonly critical: Edge;
  /** Judged only while this much is offered and more than this share of it is not delivered. */
  readonly demand: { readonly atLeast: number; readonly shortfall: number } | null;
}

/** A service level objective over events. `edgeSeconds`: what a good event takes at most, where the level is a latency. */
export interface Slo {
  readonly id: string;
  readonly measures: string;
  readonly objective: number;
  readonly edgeSeconds: number | null;
  readonly reason: string;
}

export interface BurnWindow {
  readonly longMs: number;
  readonly shortMs: number;
  readonly factor: number;
  readonly severity: Severity;
  readonly forMs: number;
}

export interface Thresholds {
  readonly version: number;
  readonly targets: ReadonlyMap<string, Target>;
  readonly limits: ReadonlyMap<string, Threshold>;
  readonly slos: ReadonlyMap<string, Slo>;
  readonly burn: {
    readonly periodMs: number;
    readonly minEvents: number;
    readonly windows: readonly BurnWindow[];
  };
}

/**
 * Parses the text of `alerts/thresholds.yml`.
 * @throws Error that names every wrong entry
 */
export function parseThresholds(text: string): Thresholds {
  const { version, targets, limits, slos, burn } = readDocument(file, text, 'YAML');
  const rows = mapEntries(targets, toTarget);
  return {
    version,
    targets: rows,
    limits: mapEntries(limits, toLimit),
    slos: mapEntries(slos, (id, s) => toSlo(id, s, rows)),
    burn: {
      periodMs: burn.period,
      minEvents: burn.min_events,
      windows: burn.windows.map((w) => ({
        longMs: w.long,
        shortMs: w.short,
        factor: w.factor,
        severity: w.severity,
        forMs: w.for,
      })),
    },
  };
}

let shipped: Thresholds | undefined;

/** The thresholds this version ships with, read once. */
export function loadThresholds(): Thresholds {
  shipped ??= parseThresholds(readFileSync(join(packageRoot(), 'alerts', 'thresholds.yml'), 'utf8'));
  return shipped;
}

/** The folder with our `package.json`: the same from `src` and from `dist/src`. */
export function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
  return folder;
}

/** The edge as a condition of the state machine, in the entry's own unit. */
export function conditionOf(threshold: Threshold, edge: Edge): ConditionSpec {
  return {
    direction: edge.direction,
    threshold: edge.threshold,
    clearThreshold: edge.clearThreshold,
    inclusive: edge.inclusive,
    forMs: edge.forMs,
    keepFiringMs: threshold.keepFiringMs,
  };
}

function mapEntries<In, Out>(entries: Record<string, In>, make: (id: string, entry: In) => Out) {
  return new Map(Object.entries(entries).map(([id, entry]) => [id, make(id, entry)] as const));
}

type RawEdge = z.output<typeof edge>;

/** @param good whether the words name the good side, as a target's do; the edge always names the bad one */
function toEdge(id: string, raw: RawEdge, good: boolean): Edge {
  const above = raw.above ?? raw.at_least;
  const threshold = (above ?? raw.below ?? raw.at_most) as number;
  const includes = raw.at_least !== undefined || raw.at_most !== undefined;
  const namesAbove = above !== undefined;
  const result: Edge = {
    direction: namesAbove !== good ? 'above' : 'below',
    threshold,
    clearThreshold: raw.clear ?? threshold,
    inclusive: includes !== good,
    forMs: raw.for,
  };
  try {
    checkCondition(result);
  } catch (error) {
    throw new Error(`thresholds: ${id}: ${(error as Error).message}`);
  }
  return result;
}

function basics(id: string, raw: z.output<typeof limit> | z.output<typeof target>) {
  return {
    id,
    measures: raw.measures,
    unit: raw.unit,
    windowMs: raw.window,
    keepFiringMs: raw.keep_firing_for,
    minSamples: raw.min_samples,
    reason: raw.reason,
  };
}

function toTarget(id: string, raw: z.output<typeof target>): Target {
  return {
    ...basics(id, raw),
    component: raw.component,
    statistic: raw.statistic,
    warning: toEdge(id, raw.target, true),
    critical: toEdge(id, raw.critical, false),
    demand: raw.demand ? { atLeast: raw.demand.at_least, shortfall: raw.demand.shortfall } : null,
  };
}

function toLimit(id: string, raw: z.output<typeof limit>): Threshold {
  return {
    ...basics(id, raw),
    warning: raw.warning ? toEdge(id, raw.warning, false) : null,
    critical: raw.critical ? toEdge(id, raw.critical, false) : null,
  };
}

function toSlo(id: string, raw: z.output<typeof slo>, targets: ReadonlyMap<string, Target>): Slo {
  let edgeSeconds: number | null = null;
  if (raw.edge) {
    const row = targets.get(raw.edge.target);
    if (!row) throw new Error(`thresholds: ${id}: no target is named "${raw.edge.target}"`);
    const side = raw.edge.of === 'target' ? row.warning : row.critical;
    edgeSeconds = toBase(side.threshold, row.unit);
  }
  return { id, measures: raw.measures, objective: raw.objective, edgeSeconds, reason: raw.reason };
}
