import type { PoolClient } from 'pg';
import type { Database } from '../database.js';
import { rollupFenceLockId } from '../metric.target.js';
import { type Level, levels } from './resolution.js';
import { RollupRepository, type RollupStatus } from './rollup.repository.js';
import { checkTruth, type RollupTruth } from './truth-check.js';

/** Rows are expected this long after their time; later ones are marked. Keeps live rows out of the marks. */
const settleMs = 30_000;
const minuteMs = 60_000;
/** Marks worked off in one transaction. */
const marksPerRun = 20_000;
/** Runs of one refresh; what is left over waits for the next. */
const maxRuns = 25;
/** One roll-up at a time, whichever process. */
const rollupLockId = 7_316_118_003;

/** Bucket origin as SQL; see `bucketOriginMs`. */
const origin = `timestamptz '2000-01-03 00:00+00'`;

/**
 * Roll-ups on plain PostgreSQL. The watermark says how far they are. Writers mark the minutes of rows that come later
 * than it (`rollup_dirty`, in the transaction of the rows), and a run recomputes new and marked minutes whole from the
 * raw rows: right for late rows, and idempotent.
 *
 * A row must be either seen by the run or marked. So a run first moves the mark line (`dirty_before`) while no batch is
 * under way (the fence), and only then reads: a batch that began before is committed and seen, a later one marks.
 */
export class NativeRollupRepository extends RollupRepository {
  constructor(
    private readonly database: Database,
    private readonly now: () => number = Date.now,
  ) {
    super();
  }

  override async refresh(): Promise<void> {
    const upToMs = Math.floor((this.now() - settleMs) / minuteMs) * minuteMs;
    // Most runs find nothing: the fence and the planning of what follows would be for nothing.
    if (!(await this.hasWork(upToMs))) return;
    await this.moveMarkLine(upToMs);
    for (let run = 0; run < maxRuns; run++) if (!(await this.run())) return;
  }

  override async status(): Promise<RollupStatus> {
    const { rows } = await this.database.maintenance.query<{ to_ms: number; dirty: number }>(
      `SELECT (extract(epoch FROM rolled_up_to) * 1000)::float8 AS to_ms,
         (SELECT coalesce(sum(extract(epoch FROM to_minute - from_minute) / 60), 0)
           FROM (SELECT * FROM rollup_dirty LIMIT 100000) d)::int AS dirty FROM rollup_watermark`,
    );
    return { rolledUpToMs: rows[0]?.to_ms ?? null, dirtyMinutes: rows[0]?.dirty ?? null };
  }

  override checkTruth(samples?: number): Promise<RollupTruth> {
    return checkTruth(this.database, samples);
  }

  /** Whether raw rows of a span may go: rolled up, and no mark left to work off. */
  async isSettled(fromMs: number, toMs: number): Promise<boolean> {
    const { rows } = await this.database.maintenance.query<{ settled: boolean }>(
      `SELECT rolled_up_to >= to_timestamp($2::float8 / 1000) AND NOT EXISTS (SELECT FROM rollup_dirty
         WHERE to_minute > to_timestamp($1::float8 / 1000) AND from_minute < to_timestamp($2::float8 / 1000)) AS settled
       FROM rollup_watermark`,
      [fromMs, toMs],
    );
    return rows[0]?.settled ?? false;
  }

  private async hasWork(upToMs: number): Promise<boolean> {
    const { rows } = await this.database.maintenance.query<{ work: boolean }>({
      name: 'rollup_work_waits',
      text: `SELECT dirty_before < to_timestamp($1::float8 / 1000) OR rolled_up_to < dirty_before
          OR EXISTS (SELECT FROM rollup_dirty) AS work
        FROM rollup_watermark`,
      values: [upToMs],
    });
    return rows[0]?.work ?? true;
  }

  private async moveMarkLine(upToMs: number): Promise<void> {
    await this.database.maintenance.transaction(async (client) => {
      await client.query('SELECT pg_advisory_xact_lock($1)', [rollupFenceLockId]);
      await client.query(
        `UPDATE rollup_watermark SET dirty_before = to_timestamp($1::float8 / 1000)
         WHERE dirty_before < to_timestamp($1::float8 / 1000)`,
        [upToMs],
      );
    });
  }

  /** @returns whether marks are left */
  private run(): Promise<boolean> {
    return this.database.maintenance.transaction(async (client) => {
      const { rows } = await client.query<{ mine: boolean }>('SELECT pg_try_advisory_xact_lock($1) AS mine', [
        rollupLockId,
      ]);
      if (!rows[0]?.mine) return false;
      // Portfolios and spans of minutes to compute again.
      await client.query(`CREATE TEMPORARY TABLE IF NOT EXISTS rollup_work
        (portfolio_id text, from_minute timestamptz, to_minute timestamptz) ON COMMIT DELETE ROWS`);
      const marks = await client.query(
        `WITH taken AS (DELETE FROM rollup_dirty WHERE ctid = ANY (ARRAY(SELECT ctid FROM rollup_dirty LIMIT $1))
           RETURNING portfolio_id, from_minute, to_minute),
         joined AS (SELECT portfolio_id, unnest(range_agg(tstzrange(from_minute, to_minute))) AS span
           FROM taken GROUP BY portfolio_id)
         INSERT INTO rollup_work SELECT portfolio_id, lower(span), upper(span) FROM joined`,
        [marksPerRun],
      );
      if ((marks.rowCount ?? 0) > 0) {
        await client.query('ANALYZE rollup_work');
        const within = '"timestamp" >= w.from_minute AND "timestamp" < w.to_minute';
        await client.query(
          minutesFromRaw(`rollup_work w, LATERAL (${rawState(within, 'w.portfolio_id')}) s`),
        );
        for (const [finer, level] of pairs) {
          const buckets = `SELECT DISTINCT portfolio_id, bucket FROM rollup_work, generate_series(
            ${bin(level, 'from_minute')}, to_minute - interval '1 microsecond', ${width(level)}) AS bucket`;
          await client.query(stateInto(level, finer, buckets));
        }
      }
      await this.newMinutes(client);
      return (marks.rowCount ?? 0) > 0;
    });
  }

  private async newMinutes(client: PoolClient): Promise<void> {
    const { rows } = await client.query<{ from: string; to: string; behind: boolean }>(
      `SELECT rolled_up_to::text AS from, dirty_before::text AS to, dirty_before > rolled_up_to AS behind
       FROM rollup_watermark FOR UPDATE`,
    );
    const span = rows[0];
    if (!span?.behind) return;
    const portfolios = `(SELECT DISTINCT portfolio_id FROM latest_metrics WHERE kind = 'analytics') p`;
    const within = `"timestamp" >= '${span.from}' AND "timestamp" < '${span.to}'`;
    await client.query(minutesFromRaw(`${portfolios}, LATERAL (${rawState(within, 'p.portfolio_id')}) s`));
    for (const [finer, level] of pairs) {
      await client.query(
        stateInto(
          level,
          finer,
          `SELECT portfolio_id, generate_series(${bin(level, `'${span.from}'::timestamptz`)},
             '${span.to}'::timestamptz - interval '1 microsecond', ${width(level)}) AS bucket FROM ${portfolios}`,
        ),
      );
    }
    await client.query('UPDATE rollup_watermark SET rolled_up_to = dirty_before');
  }
}

/** Each level with the one it is built from. */
const pairs = levels.slice(1).map((level, i) => [levels[i] as Level, level] as const);

const width = (level: Level): string => `interval '${level.widthMs / minuteMs} minutes'`;
const bin = (level: Level, ts: string): string => `date_bin(${width(level)}, ${ts}, ${origin})`;

const columns = 'portfolio_id, metric_type, bucket, n, sum, min, max, first_ts, first, last_ts, last';
const replace = `ON CONFLICT (portfolio_id, metric_type, bucket) DO UPDATE SET n = excluded.n, sum = excluded.sum,
  min = excluded.min, max = excluded.max, first_ts = excluded.first_ts, first = excluded.first,
  last_ts = excluded.last_ts, last = excluded.last`;

/**
 * Mergeable state per minute of the raw rows of one portfolio. Of rows with the same time, the smallest value is the
 * first and the largest the last: any rule will do, as long as it is one.
 */
const rawState = (within: string, portfolio: string): string => `
  SELECT portfolio_id, metric_type, ${bin(levels[0], '"timestamp"')} AS bucket, count(*) AS n, sum(value) AS sum,
    min(value) AS min, max(value) AS max,
    min("timestamp") AS first_ts, (min(ARRAY[extract(epoch FROM "timestamp")::float8, value]))[2] AS first,
    max("timestamp") AS last_ts, (max(ARRAY[extract(epoch FROM "timestamp")::float8, value]))[2] AS last
  FROM analytics_metrics WHERE portfolio_id = ${portfolio} AND ${within} GROUP BY 1, 2, 3`;

const minutesFromRaw = (source: string): string =>
  `INSERT INTO metrics_1m (${columns})
   SELECT ${columns.replaceAll(/\b(\w+)\b/g, 's.$1')} FROM ${source} ORDER BY 1, 2, 3 ${replace}`;

/** Rebuilds the given buckets of a level from the level below, series by series along its key. */
const stateInto = (level: Level, finer: Level, buckets: string): string =>
  `INSERT INTO ${level.table} (${columns})
   SELECT m.portfolio_id, m.metric_type, b.bucket, s.*
   FROM (${buckets}) b
   JOIN latest_metrics m ON m.kind = 'analytics' AND m.portfolio_id = b.portfolio_id
   CROSS JOIN LATERAL (
     SELECT sum(n) AS n, sum(sum) AS sum, min(min) AS min, max(max) AS max,
       min(first_ts) AS first_ts, (min(ARRAY[extract(epoch FROM first_ts)::float8, first]))[2] AS first,
       max(last_ts) AS last_ts, (max(ARRAY[extract(epoch FROM last_ts)::float8, last]))[2] AS last
     FROM ${finer.table} f WHERE f.portfolio_id = m.portfolio_id AND f.metric_type = m.metric_type
       AND f.bucket >= b.bucket AND f.bucket < b.bucket + ${width(level)} HAVING count(*) > 0) s
   ORDER BY 1, 2, 3 ${replace}`;
