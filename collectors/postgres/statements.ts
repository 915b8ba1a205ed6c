/** One statement's totals since the statistics were reset. */
export interface StatementTotals {
  /** `pg_stat_statements.queryid`. */
  readonly id: string;
  readonly calls: number;
  /** Milliseconds. */
  readonly totalMs: number;
}

/** One statement's work between two readings. */
export interface StatementDelta {
  readonly id: string;
  readonly calls: number;
  readonly totalMs: number;
}

/**
 * What each statement did between two readings, most time first. Totals that became smaller (statistics reset, the
 * statement evicted and back) count from zero; a statement that was not there before counts in full, since the
 * extension adds it with its first call.
 */
export function statementDeltas(
  before: ReadonlyMap<string, StatementTotals>,
  now: ReadonlyMap<string, StatementTotals>,
): StatementDelta[] {
  const out: StatementDelta[] = [];
  for (const { id, calls, totalMs } of now.values()) {
    const base = before.get(id);
    const reset = base === undefined || calls < base.calls || totalMs < base.totalMs;
    const delta = reset
      ? { id, calls, totalMs }
      : { id, calls: calls - base.calls, totalMs: totalMs - base.totalMs };
    if (delta.calls > 0) out.push(delta);
  }
  return out.sort((a, b) => b.totalMs - a.totalMs);
}

/** A statement on one line, short enough for a label. */
export const shortened = (sql: string): string => sql.replace(/\s+/g, ' ').trim().slice(0, 120);
