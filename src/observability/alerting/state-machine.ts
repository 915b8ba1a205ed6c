/**
 * The one state machine behind infrastructure alerts and risk limits. Pure: time comes with the sample, the state goes
 * in and a new state comes out, so the same code runs live, in a backtest and in a test.
 *
 * - {@link advanceCondition}: one threshold → `inactive`, `pending`, `firing`, `resolved` (`for`, keep-firing,
 *   separate clear threshold).
 * - {@link advanceLevel}: a warning and a breach threshold → `normal`, `warning`, `breach`, `unknown`. It is two
 *   conditions over the same samples; the worse one that fires is the level.
 *
 * No data is never healthy: a sample without a finite value keeps what fires firing, resets what was pending and makes
 * a level `unknown`.
 */

export type Direction = 'above' | 'below';

/** When one condition starts, and when it ends. */
export interface ConditionSpec {
  /** Which side of the threshold is bad. */
  readonly direction: Direction;
  /** The condition holds beyond this value. */
  readonly threshold: number;
  /** While firing it goes on holding beyond this value; on the good side of `threshold` or equal to it (the default). */
  readonly clearThreshold?: number;
  /** Whether the threshold itself counts as beyond. Default `false`: exactly at the threshold is still good. */
  readonly inclusive?: boolean;
  /** How long the condition must hold without a break before it fires, ms. Default 0: at once. */
  readonly forMs?: number;
  /** How long it must have ceased to hold before it resolves, ms. Default 0: at once. */
  readonly keepFiringMs?: number;
  /** Samples further apart than this, ms, have no data between them: a pending condition starts again. Default: never. */
  readonly maxGapMs?: number;
}

export type ConditionPhase = 'inactive' | 'pending' | 'firing' | 'resolved';

/** `value` is `null` (or not finite) where nothing is known. `atMs` is Unix ms; time running backwards counts as standing still. */
export interface Sample {
  readonly value: number | null;
  readonly atMs: number;
  /** There is nothing to judge (no demand for throughput): counts as the condition not holding, whatever the value. */
  readonly idle?: boolean;
}

export interface ConditionState {
  readonly phase: ConditionPhase;
  /** When this phase began, Unix ms; `null` before the first sample. */
  readonly sinceMs: number | null;
  /** While pending or firing: since when the condition has held. */
  readonly activeSinceMs: number | null;
  /** While firing: since when it has not held any more; it resolves `keepFiringMs` later. */
  readonly clearSinceMs: number | null;
  /** Value of the last sample that had data. */
  readonly value: number | null;
  /** Whether the last sample had no value. */
  readonly unknown: boolean;
  readonly atMs: number | null;
}

export const initialCondition: ConditionState = {
  phase: 'inactive',
  sinceMs: null,
  activeSinceMs: null,
  clearSinceMs: null,
  value: null,
  unknown: true,
  atMs: null,
};

/** @returns whether `value` lies on the bad side of `edge` */
export function isBeyond(value: number, edge: number, direction: Direction, inclusive = false): boolean {
  if (inclusive && value === edge) return true;
  return direction === 'above' ? value > edge : value < edge;
}

/** @throws RangeError when the clear threshold lies on the bad side of the threshold, or a duration is negative */
export function checkCondition(spec: ConditionSpec): void {
  const { threshold, clearThreshold = threshold, direction } = spec;
  if (!Number.isFinite(threshold) || !Number.isFinite(clearThreshold)) {
    throw new RangeError('threshold and clear threshold must be finite');
  }
  if (isBeyond(clearThreshold, threshold, direction)) {
    throw new RangeError(`clear threshold ${clearThreshold} lies beyond the threshold ${threshold}`);
  }
  for (const [name, ms] of Object.entries({ for: spec.forMs, keepFiring: spec.keepFiringMs })) {
    if (ms !== undefined && !(ms >= 0)) throw new RangeError(`${name}Ms must be at least 0`);
  }
}

/** Feeds one sample to one condition. Compare `phase` before and after to see a transition. */
export function advanceCondition(state: ConditionState, spec: ConditionSpec, sample: Sample): ConditionState {
  const atMs = Math.max(sample.atMs, state.atMs ?? sample.atMs);
  if (!sample.idle && (sample.value === null || !Number.isFinite(sample.value))) {
    return withoutData(state, atMs);
  }
  const gap = state.atMs !== null && atMs - state.atMs > (spec.maxGapMs ?? Number.POSITIVE_INFINITY);
  const from = gap ? withoutData(state, atMs) : state;
  const known = { ...from, value: sample.value, unknown: false, atMs };
  const holds = (edge: number) =>
    !sample.idle && isBeyond(sample.value as number, edge, spec.direction, spec.inclusive);
  if (from.phase !== 'firing') return whileQuiet(known, spec, holds(spec.threshold), atMs);
  return whileFiring(known, spec, holds(spec.clearThreshold ?? spec.threshold), atMs);
}

function withoutData(state: ConditionState, atMs: number): ConditionState {
  const lost = { ...state, unknown: true, atMs, sinceMs: state.sinceMs ?? atMs };
  if (state.phase === 'pending') return { ...lost, phase: 'inactive', sinceMs: atMs, activeSinceMs: null };
  // What fires is not resolved by silence: the time without data does not count as time in good state either.
  if (state.phase === 'firing') return { ...lost, clearSinceMs: null };
  return lost;
}

function whileQuiet(
  state: ConditionState,
  spec: ConditionSpec,
  holds: boolean,
  atMs: number,
): ConditionState {
  if (!holds) {
    if (state.phase === 'pending') return { ...state, phase: 'inactive', sinceMs: atMs, activeSinceMs: null };
    return { ...state, sinceMs: state.sinceMs ?? atMs };
  }
  const activeSinceMs = state.phase === 'pending' ? (state.activeSinceMs ?? atMs) : atMs;
  const active = { ...state, activeSinceMs, clearSinceMs: null };
  if (atMs - activeSinceMs >= (spec.forMs ?? 0)) return { ...active, phase: 'firing', sinceMs: atMs };
  return { ...active, phase: 'pending', sinceMs: activeSinceMs };
}

function whileFiring(
  state: ConditionState,
  spec: ConditionSpec,
  holds: boolean,
  atMs: number,
): ConditionState {
  if (holds) return { ...state, clearSinceMs: null };
  const clearSinceMs = state.clearSinceMs ?? atMs;
  if (atMs - clearSinceMs < (spec.keepFiringMs ?? 0)) return { ...state, clearSinceMs };
  return { ...state, phase: 'resolved', sinceMs: atMs, activeSinceMs: null, clearSinceMs: null };
}

export type Level = 'normal' | 'warning' | 'breach' | 'unknown';

/** Two thresholds over one value. Leave `warning` out for a limit that has a breach only. */
export interface LevelSpec {
  readonly direction: Direction;
  readonly warning?: { readonly threshold: number; readonly clearThreshold?: number };
  readonly breach: { readonly threshold: number; readonly clearThreshold?: number };
  readonly inclusive?: boolean;
  /** Dwell before a worse level is taken, ms. */
  readonly forMs?: number;
  /** Dwell before a better level is taken, ms. */
  readonly keepFiringMs?: number;
  readonly maxGapMs?: number;
}

export interface LevelState {
  readonly level: Level;
  /** When this level began, Unix ms. */
  readonly sinceMs: number | null;
  readonly warning: ConditionState;
  readonly breach: ConditionState;
}

export const initialLevel: LevelState = {
  level: 'unknown',
  sinceMs: null,
  warning: initialCondition,
  breach: initialCondition,
};

/**
 * Feeds one sample to a level. A level that was lost to missing data comes back with its memory: a limit in breach
 * that was `unknown` in between still has to pass its clear threshold.
 */
export function advanceLevel(state: LevelState, spec: LevelSpec, sample: Sample): LevelState {
  const breach = advanceCondition(state.breach, conditionOf(spec, spec.breach), sample);
  const warning = spec.warning
    ? advanceCondition(state.warning, conditionOf(spec, spec.warning), sample)
    : state.warning;
  const level = levelOf(warning, breach);
  const sinceMs = level === state.level && state.sinceMs !== null ? state.sinceMs : breach.atMs;
  return { level, sinceMs, warning, breach };
}

function levelOf(warning: ConditionState, breach: ConditionState): Level {
  if (breach.unknown) return 'unknown';
  if (breach.phase === 'firing') return 'breach';
  return warning.phase === 'firing' ? 'warning' : 'normal';
}

function conditionOf(spec: LevelSpec, edge: LevelSpec['breach']): ConditionSpec {
  const { direction, inclusive, forMs, keepFiringMs, maxGapMs } = spec;
  return { direction, inclusive, forMs, keepFiringMs, maxGapMs, ...edge };
}
