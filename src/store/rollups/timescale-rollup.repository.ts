import type { Database } from '../database.js';
import { refreshAggregate } from './refresh-aggregate.js';
import { levels } from './resolution.js';
import { RollupRepository, type RollupStatus } from './rollup.repository.js';
import { checkTruth, type RollupTruth } from './truth-check.js';

/** Roll-ups on TimescaleDB: continuous aggregates, refreshed by its own policies from its own invalidation log. */
export class TimescaleRollupRepository extends RollupRepository {
  constructor(private readonly database: Database) {
    super();
  }

  /** What the policies do on their schedule, now: everything invalidated, finest level first. */
  override async refresh(): Promise<void> {
    for (const { table, widthMs } of levels) {
      await refreshAggregate(this.database, table, 'NULL', `now() - interval '${widthMs / 1000} seconds'`);
    }
  }

  /**
   * Up to the watermark, which without new rows stands still (and before the first bucket is as old as time itself), or
   * to where the last refresh that ended well had to go.
   */
  override async status(): Promise<RollupStatus> {
    const { rows } = await this.database.maintenance.query<{ to_ms: number | null }>(
      `SELECT (extract(epoch FROM greatest(
           CASE WHEN w.mark > 0 THEN _timescaledb_functions.to_timestamp(w.mark) END, r.up_to)) * 1000)::float8 AS to_ms
       FROM _timescaledb_catalog.continuous_agg c
       CROSS JOIN LATERAL (SELECT _timescaledb_functions.cagg_watermark(c.mat_hypertable_id) AS mark) w
       LEFT JOIN LATERAL (
         SELECT max(s.last_successful_finish - s.last_run_duration - (j.config->>'end_offset')::interval) AS up_to
         FROM timescaledb_information.jobs j JOIN timescaledb_information.job_stats s USING (job_id)
         WHERE j.proc_name = 'policy_refresh_continuous_aggregate' AND isfinite(s.last_successful_finish)
           AND (j.config->>'mat_hypertable_id')::int = c.mat_hypertable_id) r ON true
       WHERE c.user_view_name = 'metrics_1m' AND c.user_view_schema = current_schema()`,
    );
    return { rolledUpToMs: rows[0]?.to_ms ?? null, dirtyMinutes: null };
  }

  override checkTruth(samples?: number): Promise<RollupTruth> {
    return checkTruth(this.database, samples);
  }
}
