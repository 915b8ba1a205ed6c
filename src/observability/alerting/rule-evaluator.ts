import type { LiveAlert } from './live-rules.js';
import type { SignalRule } from './rules/rule.js';
import type { SignalReader } from './signal-reader.js';
import { advanceCondition, type ConditionState, initialCondition } from './state-machine.js';
import type { TargetJudgement } from './target-status.js';
import { fromBase, type Target, type Threshold } from './thresholds.js';

/** What a rule's signal says of one group of labels, in the threshold's unit. */
export interface Observation {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number | null;
  readonly samples: number;
  /** Nothing to judge: a guard is not met, or there is no demand. */
  readonly idle: boolean;
}

/** An alert's condition changed its phase, or its data went missing or came back. */
export interface Change {
  readonly alert: LiveAlert;
  readonly labels: Readonly<Record<string, string>>;
  readonly before: ConditionState;
  readonly after: ConditionState;
  /** It was resolved because nothing has been known for {@link holdUnknownMs}; not because it is good. */
  readonly lapsed: boolean;
}

/** One observation of one threshold, as it is kept for backtests. */
export interface Observed extends Observation {
  readonly thresholdId: string;
}

export interface Evaluation {
  readonly changes: readonly Change[];
  readonly observed: readonly Observed[];
}

/** Label sets of one alert that are followed; a rule's `by` labels are bounded, this is the last line of defence. */
const maxGroups = 200;

/**
 * How long an alert goes on firing without data. Then it ends, as unknown and not as healthy: what has no traffic any
 * more must not page for ever.
 */
const holdUnknownMs = 15 * 60_000;

/** Judges every live alert on the process's own metrics, and remembers where each of them stands. */
export class RuleEvaluator {
  private readonly states = new Map<LiveAlert, Map<string, Standing>>();

  /**
   * @param judgeTarget how a row of the threshold table stands; rows are read from their own exact windows, so that an
   * alert and `GET /api/v1/ops/targets` never disagree
   */
  constructor(
    private readonly alerts: readonly LiveAlert[],
    private readonly reader: SignalReader,
    private readonly judgeTarget: (target: Target) => TargetJudgement,
  ) {
    for (const { rule } of alerts) {
      reader.prepare(rule.signal, rule.by ?? []);
      for (const guard of rule.guards ?? []) reader.prepare(guard.signal, rule.by ?? []);
    }
  }

  /** Takes up an alert that fired before a restart. */
  restore(alert: LiveAlert, labels: Readonly<Record<string, string>>, firedAtMs: number): void {
    const state: ConditionState = {
      ...initialCondition,
      phase: 'firing',
      sinceMs: firedAtMs,
      activeSinceMs: firedAtMs,
    };
    const by = Object.fromEntries(Object.entries(labels).filter(([name]) => !(name in alert.labels)));
    this.standings(alert).set(keyOf(by), { labels: by, state, unknownSinceMs: null });
  }

  evaluate(nowMs: number): Evaluation {
    const changes: Change[] = [];
    const observed: Observed[] = [];
    const seen = new Map<SignalRule, readonly Observation[]>();
    for (const alert of this.alerts) {
      const first = !seen.has(alert.rule);
      const observations = seen.get(alert.rule) ?? this.observe(alert.rule, alert.threshold, nowMs);
      seen.set(alert.rule, observations);
      if (first) {
        for (const o of observations) {
          observed.push({ ...o, labels: { ...alert.labels, ...o.labels }, thresholdId: alert.threshold.id });
        }
      }
      this.advance(alert, observations, nowMs, changes);
    }
    return { changes, observed };
  }

  /** What a rule's signal says now. */
  observe(rule: SignalRule, threshold: Threshold, nowMs: number): readonly Observation[] {
    if ('statistic' in threshold) {
      const judged = this.judgeTarget(threshold as Target);
      const known = judged.status !== 'unknown' && !judged.idle;
      return [
        { labels: {}, value: known ? judged.value : null, samples: judged.sampleCount, idle: judged.idle },
      ];
    }
    const by = rule.by ?? [];
    return [...this.reader.read(rule.signal, by, threshold.windowMs, nowMs)].map(([group, reading]) => {
      const idle = !(rule.guards ?? []).every((guard) =>
        this.reader.passes(guard, by, group, threshold.windowMs, nowMs),
      );
      const known = reading.value !== null && reading.samples >= threshold.minSamples;
      return {
        labels: reading.labels,
        value: known ? fromBase(reading.value as number, threshold.unit) : null,
        samples: reading.samples,
        idle,
      };
    });
  }

  private advance(
    alert: LiveAlert,
    observations: readonly Observation[],
    nowMs: number,
    changes: Change[],
  ): void {
    const standings = this.standings(alert);
    const gone = new Set(standings.keys());
    for (const observation of observations) {
      const key = keyOf(observation.labels);
      gone.delete(key);
      const standing = standings.get(key) ?? {
        labels: observation.labels,
        state: initialCondition,
        unknownSinceMs: null,
      };
      if (!standings.has(key)) {
        if (standings.size >= maxGroups) continue;
        standings.set(key, standing);
      }
      this.step(alert, standing, { value: observation.value, atMs: nowMs, idle: observation.idle }, changes);
    }
    for (const key of gone) {
      const standing = standings.get(key) as Standing;
      const idle = alert.rule.absent === 'good';
      this.step(alert, standing, { value: null, atMs: nowMs, idle }, changes);
      if (standing.state.phase !== 'firing') standings.delete(key);
    }
  }

  private step(
    alert: LiveAlert,
    standing: Standing,
    sample: { value: number | null; atMs: number; idle: boolean },
    changes: Change[],
  ): void {
    const before = standing.state;
    const next = advanceCondition(before, alert.condition, sample);
    standing.unknownSinceMs = next.unknown ? (standing.unknownSinceMs ?? sample.atMs) : null;
    const lapsed =
      next.phase === 'firing' &&
      standing.unknownSinceMs !== null &&
      sample.atMs - standing.unknownSinceMs >= holdUnknownMs;
    const after: ConditionState = lapsed
      ? { ...next, phase: 'resolved', sinceMs: sample.atMs, activeSinceMs: null }
      : next;
    standing.state = after;
    const active = after.phase === 'pending' || after.phase === 'firing';
    if (before.phase !== after.phase || (active && before.unknown !== after.unknown)) {
      changes.push({ alert, labels: labelsOf(alert, standing), before, after, lapsed });
    }
  }

  /** Last values of what is active, so that a reader sees the present and not the moment of firing. */
  *active(): Iterable<{ alert: LiveAlert; labels: Readonly<Record<string, string>>; state: ConditionState }> {
    for (const [alert, standings] of this.states) {
      for (const { labels, state } of standings.values()) {
        if (state.phase === 'pending' || state.phase === 'firing')
          yield { alert, labels: { ...alert.labels, ...labels }, state };
      }
    }
  }

  private standings(alert: LiveAlert): Map<string, Standing> {
    const known = this.states.get(alert) ?? new Map<string, Standing>();
    this.states.set(alert, known);
    return known;
  }
}

const labelsOf = (alert: LiveAlert, { labels }: Standing) => ({ ...alert.labels, ...labels });

interface Standing {
  readonly labels: Readonly<Record<string, string>>;
  state: ConditionState;
  unknownSinceMs: number | null;
}

const keyOf = (labels: Readonly<Record<string, string>>): string => JSON.stringify(labels);
