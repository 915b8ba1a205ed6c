import { setTimeout as pause } from 'node:timers/promises';
import { lintMetric } from '../metric-lint.js';
import { type MetricSample, Metrics } from '../metrics.js';
import { HistogramSeries } from '../series.js';
import type { CollectorDefinition, CollectorLog } from './collector.js';
import type { SharedClients } from './collector-clients.js';
import { CollectorTask } from './collector-task.js';
import type { Cost } from './cost-meter.js';
import { RunScheduler } from './run-scheduler.js';

/** What a dry run of one collector showed. */
export interface DryRun {
  readonly outcome: string | null;
  readonly error: { readonly class: string; readonly message: string; readonly part: string | null } | null;
  readonly durationMs: number;
  /** Of the last run. */
  readonly cost: Cost;
  readonly budget: Cost;
  /** What the last run used more of than the budget allows. */
  readonly exceeded: readonly (keyof Cost)[];
  readonly samples: readonly { readonly metric: string; readonly samples: readonly MetricSample[] }[];
  /** Series per metric, and how many label sets had to be folded into `overflow`. */
  readonly cardinality: readonly {
    readonly metric: string;
    readonly series: number;
    readonly folded: number;
  }[];
  /** Declared and not reported: no data, or forgotten. */
  readonly silent: readonly string[];
  readonly lint: readonly string[];
}

export interface DryRunOptions {
  readonly clients: Omit<SharedClients, 'windows' | 'nowMs'>;
  readonly config?: unknown;
  /** Deltas need two. */
  readonly runs?: number;
  readonly pauseMs?: number;
  /** How long after the last run errors that escape late still count as its. */
  readonly lingerMs?: number;
  readonly log: CollectorLog;
}

class NoSchedule extends RunScheduler {
  at(): void {}
  cancel(): void {}
}

/** Runs a collector outside of the server, through the very runner, and says everything there is to know about it. */
export async function dryRun(definition: CollectorDefinition, options: DryRunOptions): Promise<DryRun> {
  const { manifest } = definition;
  const metrics = new Metrics();
  const task = new CollectorTask(
    definition,
    'dry run',
    { ...options.clients, windows: metrics.windows, nowMs: Date.now },
    metrics,
    new NoSchedule(),
    options.log,
    { enabled: true, intervalMs: manifest.intervalMs, config: options.config },
  );
  task.enable();
  for (let run = 0; run < (options.runs ?? 1); run++) {
    if (run > 0) await pause(options.pauseMs ?? 1_000);
    await task.runOnce();
    // One that hangs would hang again.
    if (task.lastOutcome === 'timeout') break;
  }
  if (options.lingerMs !== undefined) await pause(options.lingerMs);
  const samples = manifest.metrics.map(({ name, type }) => ({
    metric: name,
    samples: type === 'histogram' ? metrics.read(`${name}_count`) : metrics.read(name),
  }));
  const folded = new Map(task.staged.folded());
  const result: DryRun = {
    outcome: task.lastOutcome,
    error: task.lastError,
    durationMs: task.lastDurationMs ?? 0,
    cost: task.lastCost,
    budget: manifest.budget,
    exceeded: (Object.keys(task.lastCost) as (keyof Cost)[]).filter(
      (key) => task.lastCost[key] > manifest.budget[key],
    ),
    samples: samples.filter((one) => one.samples.length > 0),
    cardinality: manifest.metrics.map((spec) => ({
      metric: spec.name,
      series: linesOf(metrics, spec.name),
      folded: folded.get(spec.name) ?? 0,
    })),
    silent: samples.filter((one) => one.samples.length === 0).map(({ metric }) => metric),
    lint: manifest.metrics.flatMap((spec) => lintMetric(spec)),
  };
  await task.disable();
  return result;
}

/** Lines that a scrape would have of this metric. */
function linesOf(metrics: Metrics, name: string): number {
  let lines = 0;
  for (const family of metrics.families()) {
    if (family.spec.name !== name) continue;
    for (const series of family.series.values()) {
      lines += series instanceof HistogramSeries ? series.counts.length + 2 : 1;
    }
  }
  return lines;
}
