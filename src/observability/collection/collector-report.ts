import { isoOrNull } from '../../domain/json-values.js';
import type { CollectorTask } from './collector-task.js';
import type { Cost } from './cost-meter.js';
import type { BrokenCollector } from './discovery.js';

/** One collector in `GET /api/v1/ops/collectors`. */
export function reportOf(task: CollectorTask) {
  const { manifest } = task.definition;
  const { pacing, lastError: error } = task;
  const nowMs = Date.now();
  const bursting = pacing.burstingUntilMs > nowMs;
  return {
    name: task.name,
    description: manifest.description,
    origin: task.origin,
    enabled: task.enabled,
    state: task.state,
    interval_seconds: pacing.intervalMs / 1000,
    effective_interval_seconds: pacing.effectiveMs(nowMs) / 1000,
    default_interval_seconds: manifest.intervalMs / 1000,
    timeout_seconds: task.timeoutMs / 1000,
    backoff: pacing.backoff,
    burst_until: bursting ? isoOrNull(pacing.burstingUntilMs) : null,
    last_run: isoOrNull(task.lastRunAtMs),
    last_success: isoOrNull(task.lastSuccessAtMs),
    as_of: isoOrNull(task.lastSuccessAtMs),
    data_age_ms: task.lastSuccessAtMs === null ? null : Math.max(0, nowMs - task.lastSuccessAtMs),
    /** Since the last success, or since the start when there was none. */
    age_seconds: task.ageMs === null ? null : task.ageMs / 1000,
    stale: task.enabled ? task.stale : null,
    next_run: isoOrNull(task.nextRunAtMs),
    outcome: task.lastOutcome,
    consecutive_failures: task.failures,
    duration_ms: task.lastDurationMs,
    cost: costOf(task.lastCost),
    budget: costOf(manifest.budget),
    over_budget: pacing.backoff > 1,
    series: task.staged.seriesCount,
    folded_series: task.staged.folded().reduce((sum, [, count]) => sum + count, 0),
    metrics: manifest.metrics.map(({ name }) => name),
    error:
      error === null
        ? null
        : { class: error.class, message: error.message, part: error.part, at: isoOrNull(error.atMs) },
  };
}

/** A plugin that could not be loaded stands in the same list. */
export const reportOfBroken = ({ name, origin, path, error }: BrokenCollector) => ({
  name,
  origin,
  path,
  enabled: false,
  state: 'broken' as const,
  error: { class: 'config', message: error, part: null, at: null },
});

const costOf = (cost: Cost) => ({
  database_ms: rounded(cost.dbMs),
  redis_commands: cost.redisCommands,
  event_loop_ms: rounded(cost.eventLoopMs),
  samples: cost.samples,
});

const rounded = (ms: number): number => Math.round(ms * 1000) / 1000;
