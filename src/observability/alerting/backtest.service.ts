import { Injectable } from '@nestjs/common';
import { type FieldProblem, notFound, Problem } from '../../domain/problem.js';
import { AlertStore, type StoredSample } from './alert-store.js';
import type { BacktestBody } from './alerts.schema.js';
import { AlertsService, roundMs } from './alerts.service.js';
import { type Backtest, backtest, heldBetween } from './backtest.js';
import type { LiveAlert } from './live-rules.js';
import { MetricSamples } from './metric-samples.js';
import { repeatEveryMs } from './sample-recorder.js';
import { type ConditionSpec, checkCondition, type Sample } from './state-machine.js';

const dayMs = 86_400_000;
/** Samples read for one backtest; a longer time is refused by name, not cut in silence. */
const maxSamples = 200_000;

interface Series {
  readonly labels: Readonly<Record<string, string>>;
  readonly samples: readonly Sample[];
}

/** Answers "when would this rule have fired?" over what was stored, with the state machine that judges live. */
@Injectable()
export class BacktestService {
  constructor(
    private readonly alerts: AlertsService,
    private readonly store: AlertStore,
    private readonly metrics: MetricSamples,
  ) {}

  async run(body: BacktestBody) {
    const started = performance.now();
    const live = body.rule === undefined ? null : this.rule(body.rule);
    const condition = this.condition(body, live);
    const toMs = body.to ?? Date.now();
    const fromMs = body.from ?? toMs - dayMs;
    const series = await this.series(body, live, fromMs, toMs);
    return {
      rule: live?.name ?? null,
      threshold_id: live?.threshold.id ?? null,
      unit: live?.threshold.unit ?? null,
      condition: {
        direction: condition.direction,
        threshold: condition.threshold,
        clear_threshold: condition.clearThreshold ?? condition.threshold,
        inclusive: condition.inclusive ?? false,
        for_ms: condition.forMs ?? 0,
        keep_firing_for_ms: condition.keepFiringMs ?? 0,
        max_gap_ms: condition.maxGapMs ?? null,
      },
      from: body.samples ? null : time(fromMs),
      to: body.samples ? null : time(toMs),
      series: series.map(({ labels, samples }) => {
        const replayed = live ? heldBetween(samples, roundMs, 2 * repeatEveryMs) : samples;
        return answer(labels, samples.length, backtest(condition, replayed));
      }),
      reason: series.length === 0 ? 'no samples are stored for this time' : null,
      as_of: new Date().toISOString(),
      runtime_ms: Math.round(performance.now() - started),
    };
  }

  private rule(name: string): LiveAlert {
    const live = this.alerts.live.find((alert) => alert.name === name);
    if (!live) throw notFound('alert rule that this server judges by itself', name);
    return live;
  }

  private condition(body: BacktestBody, live: LiveAlert | null): ConditionSpec {
    const given = body.condition ?? {};
    const base: ConditionSpec = live?.condition ?? {
      direction: given.direction ?? 'above',
      threshold: given.threshold ?? 0,
    };
    // A new threshold without a clear threshold of its own leaves the old one behind.
    const clear = given.clear_threshold ?? (given.threshold === undefined ? base.clearThreshold : undefined);
    const condition: ConditionSpec = {
      direction: given.direction ?? base.direction,
      threshold: given.threshold ?? base.threshold,
      clearThreshold: clear,
      inclusive: given.inclusive ?? base.inclusive,
      forMs: given.for ?? base.forMs,
      keepFiringMs: given.keep_firing_for ?? base.keepFiringMs,
      // Stored samples are thinned out to one in five minutes where nothing changes.
      maxGapMs: body.max_gap ?? (live ? 2 * repeatEveryMs : undefined),
    };
    try {
      checkCondition(condition);
    } catch (error) {
      const wrong: FieldProblem = {
        pointer: '/condition/clear_threshold',
        code: 'INVALID_CONDITION',
        message: (error as Error).message,
      };
      throw new Problem(422, 'VALIDATION_FAILED', wrong.message, { errors: [wrong] });
    }
    return condition;
  }

  private async series(
    body: BacktestBody,
    live: LiveAlert | null,
    fromMs: number,
    toMs: number,
  ): Promise<readonly Series[]> {
    if (body.samples) {
      const samples = body.samples.map(({ ts, value }): Sample => ({ atMs: ts, value }));
      return [{ labels: {}, samples: samples.sort((a, b) => a.atMs - b.atMs) }];
    }
    if (body.metric) {
      const { portfolio_id, metric_type } = body.metric;
      const samples = await this.metrics.read(portfolio_id, metric_type, fromMs, toMs, maxSamples + 1);
      requireAll(samples.length);
      return samples.length === 0 ? [] : [{ labels: { portfolio_id, metric_type }, samples }];
    }
    await this.alerts.flush();
    const stored = await this.store.samples({
      threshold: live?.threshold.id ?? '',
      labels: body.labels,
      fromMs,
      toMs,
      limit: maxSamples + 1,
    });
    requireAll(stored.length);
    return grouped(stored);
  }
}

function requireAll(count: number): void {
  if (count <= maxSamples) return;
  throw new Problem(
    422,
    'TOO_MANY_SAMPLES',
    `More than ${maxSamples} samples are stored for this time; ask for less of it.`,
  );
}

function grouped(stored: readonly StoredSample[]): readonly Series[] {
  const out = new Map<string, { labels: Record<string, string>; samples: Sample[] }>();
  for (const { instance, labels, atMs, value, idle } of stored) {
    const named = { instance, ...labels };
    const key = JSON.stringify(named);
    const series: { labels: Record<string, string>; samples: Sample[] } = out.get(key) ?? {
      labels: named,
      samples: [],
    };
    series.samples.push({ atMs, value, idle });
    out.set(key, series);
  }
  return [...out.values()];
}

const time = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());

function answer(labels: Series['labels'], stored: number, result: Backtest) {
  return {
    labels,
    samples: stored,
    samples_replayed: result.samples,
    unknown_samples: result.unknown,
    first_sample_at: time(result.fromMs),
    last_sample_at: time(result.toMs),
    would_have_fired: result.episodes.length,
    near_misses: result.nearMisses,
    firing_ms: result.firingMs,
    state_at_end: result.state,
    episodes: result.episodes.map((e) => ({
      pending_at: time(e.pendingAtMs),
      fired_at: time(e.firedAtMs),
      resolved_at: time(e.resolvedAtMs),
      fired_value: e.firedValue,
      peak: e.peak,
    })),
  };
}
