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

  override async status(): Promise<RollupStatus> {
    const { rows } = await this.database.maintenance.query<{ to_ms: number | null }>(
      `SELECT (extract(epoch FROM _timescaledb_functions.to_timestamp(
         _timescaledb_functions.cagg_watermark(mat_hypertable_id))) * 1000)::float8 AS to_ms
       FROM _timescaledb_catalog.continuous_agg WHERE user_view_name = 'metrics_1m'`,
    );
    const toMs = rows[0]?.to_ms;
    return {
      // Before the first refresh the watermark is as old as time itself.
      rolledUpToMs: toMs === undefined || toMs === null || toMs < 0 ? null : toMs,
      dirtyMinutes: null,
    };
  }

  override checkTruth(samples?: number): Promise<RollupTruth> {
    return checkTruth(this.database, samples);
  }
}
