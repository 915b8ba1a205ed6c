import { ageReason, dataAgeMs } from '../../domain/data-age.js';
import type { LimitTransition } from '../../domain/events.js';
import { isoOrNull } from '../../domain/json-values.js';
import type { StoredAuditEntry } from '../../store/audit.repository.js';
import type { WatchedLimit } from './limit-book.js';
import { effectiveThresholds, utilisation } from './limit-level.js';

/** A limit as the API gives it. */
export function limitView(watched: WatchedLimit, nowMs: number) {
  const { limit, state, value, reason } = watched;
  const effective = effectiveThresholds(limit, nowMs);
  return {
    id: limit.id,
    portfolio_id: limit.portfolioId,
    limit_type: limit.limitType,
    threshold_value: limit.thresholdValue,
    warning_threshold: limit.warningThreshold,
    clear_threshold: limit.clearThreshold,
    effective_threshold_value: effective.threshold,
    effective_warning_threshold: effective.warning,
    effective_clear_threshold: effective.clear,
    dwell_ms: limit.dwellMs,
    active: limit.active,
    current_value: value,
    utilization: utilisation(value, limit, nowMs),
    status: state.level,
    status_since: isoOrNull(state.sinceMs),
    ...(value === null ? { reason: reason ?? 'not evaluated yet' } : ageReason(state.breach.atMs, nowMs)),
    as_of: isoOrNull(state.breach.atMs),
    data_age_ms: state.breach.atMs === null ? null : dataAgeMs(state.breach.atMs, nowMs),
    acknowledged: acknowledgement(watched),
    temporary_increase: effective.temporary
      ? {
          threshold_value: effective.threshold,
          warning_threshold: effective.warning,
          until: isoOrNull(limit.temporaryUntilMs),
        }
      : null,
    version: limit.version,
    created_at: isoOrNull(limit.createdAtMs),
    updated_at: isoOrNull(limit.updatedAtMs),
  };
}

/** An acknowledgement holds for the episode it was given in: until the limit is normal again. */
function acknowledgement({ limit, state }: WatchedLimit) {
  const { acknowledgedAtMs, acknowledgedBy, acknowledgeComment } = limit;
  const began = state.warning.activeSinceMs ?? state.breach.activeSinceMs;
  if (acknowledgedAtMs === null || began === null || acknowledgedAtMs < began) return null;
  return { at: isoOrNull(acknowledgedAtMs), by: acknowledgedBy, comment: acknowledgeComment };
}

/** A transition as the API and `limits.{portfolio}` give it. */
export const transitionView = (e: LimitTransition) => ({
  portfolio_id: e.portfolioId,
  limit_id: e.limitId,
  limit_type: e.limitType,
  from: e.from,
  to: e.to,
  value: e.value,
  threshold_value: e.thresholdValue,
  warning_threshold: e.warningThreshold,
  utilization: e.value === null ? null : e.value / e.thresholdValue,
  at: isoOrNull(e.atMs),
});

export const auditView = (e: StoredAuditEntry) => ({
  at: isoOrNull(e.atMs),
  actor: e.actor,
  action: e.action,
  before: e.before,
  after: e.after,
  comment: e.comment,
});
