import type { PoolClient } from 'pg';
import type { Database } from '../database.js';
import { refreshAggregate } from './refresh-aggregate.js';
import { type Level, levels } from './resolution.js';

/** A stored bucket that its raw rows do not confirm. */
export interface RollupMismatch {
  readonly table: string;
  readonly portfolioId: string;
  readonly metricType: string;
  readonly bucketMs: number;
  readonly stored: BucketState;
  readonly recomputed: BucketState | null;
}

export interface BucketState {
  readonly n: number;
  readonly sum: number;
  readonly min: number;
  readonly max: number;
  readonly first: number;
  readonly last: number;
}

export interface RollupTruth {
  readonly checked: number;
  readonly mismatches: readonly RollupMismatch[];
}

const defaultSamples = 16;
/** Sums are added up in another order. */
const sumTolerance = 1e-9;

interface Sample {
  portfolio_id: string;
  metric_type: string;
  bucket: string;
  bucket_ms: number;
  stored: BucketState;
}

/**
 * Recomputes random buckets of every level from the raw rows, in the snapshot in which they were read, and compares.
 * Buckets that late rows have touched and that wait for their refresh are not wrong, and those whose raw rows are
 * dropped by the retention cannot be judged: neither is sampled.
 */
export async function checkTruth(database: Database, samples = defaultSamples): Promise<RollupTruth> {
  let checked = 0;
  const mismatches: RollupMismatch[] = [];
  for (const level of levels) {
    const some = await compare(database, level, Math.max(1, Math.round(samples / levels.length)));
    checked += some.checked;
    for (const suspect of some.mismatches) {
      if (database.dialect === 'native') mismatches.push(suspect);
      // TimescaleDB does not say which buckets wait for a refresh: refresh this one, then judge.
      else if (await isWrongAfterRefresh(database, level, suspect)) mismatches.push(suspect);
    }
  }
  return { checked, mismatches };
}

async function compare(database: Database, level: Level, samples: number): Promise<RollupTruth> {
  return database.maintenance.transaction(async (client) => {
    const found = await sample(client, database, level, samples);
    const mismatches: RollupMismatch[] = [];
    for (const s of found) {
      const recomputed = await recompute(client, level, s);
      if (agree(s.stored, recomputed)) continue;
      mismatches.push({
        table: level.table,
        portfolioId: s.portfolio_id,
        metricType: s.metric_type,
        bucketMs: s.bucket_ms,
        stored: s.stored,
        recomputed,
      });
    }
    return { checked: found.length, mismatches };
  }, 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
}

async function sample(
  client: PoolClient,
  { dialect, retention }: Database,
  level: Level,
  samples: number,
): Promise<Sample[]> {
  const width = `interval '${level.widthMs / 1000} seconds'`;
  // A day to spare: partitions go as a whole, somewhat after the edge.
  const edge =
    retention.metrics === null
      ? `'-infinity'`
      : `now() - interval '${retention.metrics} days' + interval '1 day'`;
  const complete =
    dialect === 'native'
      ? `r.bucket + ${width} <= (SELECT rolled_up_to FROM rollup_watermark) AND NOT EXISTS (
           SELECT FROM rollup_dirty d WHERE d.portfolio_id = r.portfolio_id
             AND d.to_minute > r.bucket AND d.from_minute < r.bucket + ${width})`
      : `r.bucket + ${width} <= now() - ${width}`;
  const { rows } = await client.query<Sample>(
    `SELECT r.portfolio_id, r.metric_type, r.bucket::text, (extract(epoch FROM r.bucket) * 1000)::float8 AS bucket_ms,
       json_build_object('n', n, 'sum', sum, 'min', min, 'max', max, 'first', first, 'last', last) AS stored
     FROM (SELECT portfolio_id, metric_type FROM latest_metrics WHERE kind = 'analytics'
           ORDER BY random() LIMIT $1) s
     CROSS JOIN LATERAL (
       SELECT min(bucket) AS oldest, max(bucket) AS newest FROM ${level.table} x
       WHERE x.portfolio_id = s.portfolio_id AND x.metric_type = s.metric_type AND x.bucket >= ${edge}) span
     CROSS JOIN LATERAL (
       SELECT * FROM ${level.table} r
       WHERE r.portfolio_id = s.portfolio_id AND r.metric_type = s.metric_type
         AND r.bucket >= span.oldest + (span.newest - span.oldest) * random()
         AND r.bucket >= ${edge} AND ${complete}
       ORDER BY r.bucket LIMIT 1) r`,
    [samples],
  );
  return rows;
}

async function recompute(
  client: PoolClient,
  level: Level,
  s: Pick<Sample, 'portfolio_id' | 'metric_type' | 'bucket'>,
): Promise<BucketState | null> {
  const { rows } = await client.query<BucketState>(
    `SELECT count(*)::float8 AS n, sum(value) AS sum, min(value) AS min, max(value) AS max,
       (min(ARRAY[extract(epoch FROM "timestamp")::float8, value]))[2] AS first,
       (max(ARRAY[extract(epoch FROM "timestamp")::float8, value]))[2] AS last
     FROM analytics_metrics WHERE portfolio_id = $1 AND metric_type = $2
       AND "timestamp" >= $3::timestamptz AND "timestamp" < $3::timestamptz + $4::float8 * interval '1 millisecond'
     HAVING count(*) > 0`,
    [s.portfolio_id, s.metric_type, s.bucket, level.widthMs],
  );
  return rows[0] ?? null;
}

async function isWrongAfterRefresh(
  database: Database,
  level: Level,
  { portfolioId, metricType, bucketMs }: RollupMismatch,
): Promise<boolean> {
  const bucket = new Date(bucketMs).toISOString();
  for (const finer of levels.filter((l) => l.widthMs <= level.widthMs)) {
    const end = `timestamptz '${bucket}' + interval '${level.widthMs / 1000} seconds'`;
    await refreshAggregate(database, finer.table, `'${bucket}'`, end);
  }
  return database.maintenance.transaction(async (client) => {
    const { rows } = await client.query<{ stored: BucketState }>(
      `SELECT json_build_object('n', n, 'sum', sum, 'min', min, 'max', max, 'first', first, 'last', last) AS stored
       FROM ${level.table} WHERE portfolio_id = $1 AND metric_type = $2 AND bucket = $3`,
      [portfolioId, metricType, bucket],
    );
    const again = await recompute(client, level, {
      portfolio_id: portfolioId,
      metric_type: metricType,
      bucket,
    });
    const stored = rows[0]?.stored;
    return stored === undefined ? again !== null : !agree(stored, again);
  }, 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
}

function agree(stored: BucketState, recomputed: BucketState | null): boolean {
  if (recomputed === null) return false;
  const scale = Math.max(Math.abs(stored.min), Math.abs(stored.max)) * stored.n;
  return (
    stored.n === recomputed.n &&
    stored.min === recomputed.min &&
    stored.max === recomputed.max &&
    stored.first === recomputed.first &&
    stored.last === recomputed.last &&
    Math.abs(stored.sum - recomputed.sum) <= sumTolerance * Math.max(scale, Number.MIN_VALUE)
  );
}
