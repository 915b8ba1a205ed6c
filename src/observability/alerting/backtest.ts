import {
  advanceCondition,
  type ConditionSpec,
  type ConditionState,
  initialCondition,
  type Sample,
} from './state-machine.js';

/** One time that the rule would have fired. Times are Unix ms; `null`: not within the samples. */
export interface Episode {
  readonly pendingAtMs: number;
  readonly firedAtMs: number;
  readonly resolvedAtMs: number | null;
  readonly firedValue: number | null;
  /** The worst value while it fired. */
  readonly peak: number | null;
}

export interface Backtest {
  readonly episodes: readonly Episode[];
  /** Times that the condition held without lasting long enough to fire. */
  readonly nearMisses: number;
  readonly samples: number;
  /** Samples without a value: the rule could not judge. */
  readonly unknown: number;
  readonly fromMs: number | null;
  readonly toMs: number | null;
  readonly state: ConditionState['phase'];
  readonly firingMs: number;
}

/** Replays samples, oldest first, through the same state machine that judges live. */
export function backtest(spec: ConditionSpec, samples: Iterable<Sample>): Backtest {
  let state: ConditionState = initialCondition;
  const episodes: Episode[] = [];
  let open: {
    pendingAtMs: number;
    firedAtMs: number;
    firedValue: number | null;
    peak: number | null;
  } | null = null;
  let count = 0;
  let unknown = 0;
  let nearMisses = 0;
  let fromMs: number | null = null;
  let firingMs = 0;
  for (const sample of samples) {
    const before = state;
    state = advanceCondition(before, spec, sample);
    count++;
    fromMs ??= sample.atMs;
    if (state.unknown) unknown++;
    if (before.phase === 'firing' && before.atMs !== null) firingMs += (state.atMs ?? 0) - before.atMs;
    if (before.phase === 'pending' && state.phase === 'inactive') nearMisses++;
    if (before.phase !== 'firing' && state.phase === 'firing') {
      open = {
        pendingAtMs: state.activeSinceMs ?? sample.atMs,
        firedAtMs: sample.atMs,
        firedValue: sample.value,
        peak: sample.value,
      };
    }
    if (open && state.phase === 'firing') open.peak = worse(spec, open.peak, sample.value);
    if (open && before.phase === 'firing' && state.phase === 'resolved') {
      episodes.push({ ...open, resolvedAtMs: sample.atMs });
      open = null;
    }
  }
  if (open) episodes.push({ ...open, resolvedAtMs: null });
  return {
    episodes,
    nearMisses,
    samples: count,
    unknown,
    fromMs,
    toMs: state.atMs,
    state: state.phase,
    firingMs,
  };
}

function worse(spec: ConditionSpec, a: number | null, b: number | null): number | null {
  if (a === null || b === null || Number.isNaN(b)) return a ?? b;
  return spec.direction === 'above' ? Math.max(a, b) : Math.min(a, b);
}

/**
 * Undoes the thinning of stored samples: a value holds until the next one, at the steps in which it was judged live, but
 * no longer than `maxHoldMs`, after which nothing is known.
 */
export function* heldBetween(
  samples: Iterable<Sample>,
  stepMs: number,
  maxHoldMs: number,
): IterableIterator<Sample> {
  let last: Sample | undefined;
  for (const sample of samples) {
    if (last && sample.atMs - last.atMs <= maxHoldMs) {
      for (let atMs = last.atMs + stepMs; atMs < sample.atMs; atMs += stepMs) yield { ...last, atMs };
    }
    yield sample;
    last = sample;
  }
}
