import {
  advanceLevel,
  initialLevel,
  type LevelSpec,
  type LevelState,
} from '../../observability/alerting/state-machine.js';
import type { StoredLimit } from '../../store/limit.repository.js';

/** Threshold, warning and clear threshold in force: raised while a temporary increase runs. */
export interface EffectiveThresholds {
  readonly threshold: number;
  readonly warning: number;
  readonly clear: number | null;
  readonly temporary: boolean;
}

/** A temporary increase moves warning and clear threshold by the same factor as the threshold. */
export function effectiveThresholds(limit: StoredLimit, nowMs: number): EffectiveThresholds {
  const { thresholdValue, warningThreshold, clearThreshold, temporaryThreshold, temporaryUntilMs } = limit;
  const raised = temporaryThreshold !== null && temporaryUntilMs !== null && nowMs < temporaryUntilMs;
  const factor = raised ? temporaryThreshold / thresholdValue : 1;
  return {
    threshold: thresholdValue * factor,
    warning: warningThreshold * factor,
    clear: clearThreshold === null ? null : clearThreshold * factor,
    temporary: raised,
  };
}

/**
 * The limit as the state machine's specification. A breach begins above the threshold and ends at or below the
 * clear threshold; a warning likewise, its own clear threshold lying as far below it in proportion. A worse level
 * is taken after the dwell time, a better one too.
 */
export function levelSpec(limit: StoredLimit, nowMs: number): LevelSpec {
  const { threshold, warning, clear } = effectiveThresholds(limit, nowMs);
  const share = clear === null ? 1 : clear / threshold;
  return {
    direction: 'above',
    breach: { threshold, clearThreshold: threshold * share },
    warning: { threshold: warning, clearThreshold: warning * share },
    forMs: limit.dwellMs,
    keepFiringMs: limit.dwellMs,
  };
}

/** The stored state of the machine, or a new one that starts at the stored status. */
export function restoredLevel(limit: StoredLimit): LevelState {
  const stored = limit.machine as LevelState | null;
  if (stored !== null && typeof stored === 'object' && 'breach' in stored && 'warning' in stored)
    return stored;
  return initialLevel;
}

/** Feeds one value; `null` where it is not known. */
export function advance(
  state: LevelState,
  limit: StoredLimit,
  value: number | null,
  atMs: number,
): LevelState {
  return advanceLevel(state, levelSpec(limit, atMs), { value, atMs });
}

/** Share of the threshold in force that is used; `null` without a value. */
export function utilisation(value: number | null, limit: StoredLimit, nowMs: number): number | null {
  return value === null ? null : value / effectiveThresholds(limit, nowMs).threshold;
}
