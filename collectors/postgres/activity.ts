import type { CollectorDatabase, CollectorMetrics } from '../../src/observability/collection/collector.js';
import * as m from './postgres.metrics.js';

/** What {@link activitySql} gives. */
export interface ActivityRow {
  readonly states: Readonly<Record<string, number>>;
  readonly waits: Readonly<Record<string, number>>;
  readonly longest_transaction: number;
  readonly longest_query: number;
  readonly lock_waiters: number;
  readonly longest_lock_wait: number;
}

/** Our own backend is left out: watching must not look like load. */
const activitySql = `
  WITH a AS (
    SELECT *, extract(epoch FROM clock_timestamp() - xact_start)::float8 AS xact_age,
      extract(epoch FROM clock_timestamp() - query_start)::float8 AS query_age,
      extract(epoch FROM clock_timestamp() - state_change)::float8 AS state_age
    FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid())
  SELECT
    coalesce((SELECT jsonb_object_agg(state, n) FROM
      (SELECT coalesce(state, 'unknown') AS state, count(*) AS n FROM a GROUP BY 1) s), '{}') AS states,
    coalesce((SELECT jsonb_object_agg(wait_event_type, n) FROM
      (SELECT wait_event_type, count(*) AS n FROM a
       WHERE state = 'active' AND wait_event_type IS NOT NULL GROUP BY 1) w), '{}') AS waits,
    coalesce(max(xact_age), 0) AS longest_transaction,
    coalesce(max(query_age) FILTER (WHERE state = 'active'), 0) AS longest_query,
    (count(*) FILTER (WHERE wait_event_type = 'Lock'))::int AS lock_waiters,
    coalesce(max(state_age) FILTER (WHERE wait_event_type = 'Lock'), 0) AS longest_lock_wait
  FROM a`;

const locksSql = `
  SELECT mode, count(*)::int AS locks FROM pg_locks
  WHERE database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND pid IS DISTINCT FROM pg_backend_pid() GROUP BY 1`;

export interface LockRow {
  readonly mode: string;
  readonly locks: number;
}

export async function collectActivity(database: CollectorDatabase, metrics: CollectorMetrics): Promise<void> {
  const [row] = await database.query<ActivityRow>(activitySql);
  if (row !== undefined) reportActivity(metrics, row);
}

export async function collectLocks(database: CollectorDatabase, metrics: CollectorMetrics): Promise<void> {
  reportLocks(metrics, await database.query<LockRow>(locksSql));
}

/** Closed sets are reported in full: a state that nobody is in is 0, not unknown. */
export function reportActivity(metrics: CollectorMetrics, row: ActivityRow): void {
  for (const state of m.backendStates) metrics.set(m.backends, row.states[state] ?? 0, { state });
  for (const type of m.waitTypes) metrics.set(m.waitingBackends, row.waits[type] ?? 0, { type });
  metrics.set(m.longestTransaction, row.longest_transaction);
  metrics.set(m.longestQuery, row.longest_query);
  metrics.set(m.lockWaiters, row.lock_waiters);
  metrics.set(m.longestLockWait, row.longest_lock_wait);
}

export function reportLocks(metrics: CollectorMetrics, rows: readonly LockRow[]): void {
  const counts = new Map(rows.map(({ mode, locks }) => [mode, locks]));
  for (const mode of m.lockModes) metrics.set(m.locks, counts.get(mode) ?? 0, { mode });
}
