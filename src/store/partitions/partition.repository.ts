import type { ClientBase } from 'pg';
import type { MeteredPool } from '../metered-pool.js';
import type { TimeTable } from '../retention.js';
import { literal } from '../sql-literal.js';
import { partitionName, type TimeRange } from './partition-plan.js';

/** A partition as the catalogue knows it. */
export interface Partition extends TimeRange {
  readonly name: string;
  /** A `DETACH … CONCURRENTLY` was interrupted half-way. */
  readonly detachPending: boolean;
}

/** DDL and catalogue of native partitions. */
export class PartitionRepository {
  constructor(private readonly pool: MeteredPool) {}

  list(table: TimeTable): Promise<Partition[]> {
    return this.pool.use((client) => listPartitions(client, table));
  }

  /**
   * Makes a partition beside the table and attaches it: unlike `CREATE TABLE … PARTITION OF`, this passes with open
   * readers and writers. `choose` is asked with the lock held and the partitions that are there by then.
   * @returns the partition that was made, or `null` when `choose` no longer wants one
   */
  create(
    table: TimeTable,
    choose: (existing: readonly Partition[]) => TimeRange | null,
  ): Promise<TimeRange | null> {
    return this.pool.transaction(async (client) => {
      await client.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [`partitions:${table}`]);
      const range = choose(await listPartitions(client, table));
      if (range !== null) {
        const name = partitionName(table, range);
        const [from, to] = [range.fromMs, range.toMs].map((ms) => literal(new Date(ms).toISOString()));
        await client.query(`CREATE TABLE ${name} (LIKE ${table} INCLUDING ALL)`);
        await client.query(
          `ALTER TABLE ${table} ATTACH PARTITION ${name} FOR VALUES FROM (${from}) TO (${to})`,
        );
      }
      return range;
    });
  }

  /** Takes a partition off without blocking anybody, then drops it with its disk space. */
  async drop(table: TimeTable, partition: Partition): Promise<void> {
    const detach = `ALTER TABLE ${table} DETACH PARTITION ${partition.name}`;
    await this.pool.query(`${detach} ${partition.detachPending ? 'FINALIZE' : 'CONCURRENTLY'}`);
    await this.pool.query(`DROP TABLE ${partition.name}`);
  }
}

async function listPartitions(client: Pick<ClientBase, 'query'>, table: TimeTable): Promise<Partition[]> {
  const { rows } = await client.query<{ name: string; from_ms: number; to_ms: number; pending: boolean }>(
    `SELECT c.relname AS name, i.inhdetachpending AS pending,
       (extract(epoch FROM (m.bounds)[1]::timestamptz) * 1000)::float8 AS from_ms,
       (extract(epoch FROM (m.bounds)[2]::timestamptz) * 1000)::float8 AS to_ms
     FROM pg_inherits i
     JOIN pg_class c ON c.oid = i.inhrelid
     CROSS JOIN LATERAL (SELECT regexp_match(pg_get_expr(c.relpartbound, c.oid),
       $$FROM \\('(.*)'\\) TO \\('(.*)'\\)$$) AS bounds) m
     WHERE i.inhparent = to_regclass($1) AND m.bounds IS NOT NULL
     ORDER BY 3`,
    [table],
  );
  return rows.map((r) => ({ name: r.name, fromMs: r.from_ms, toMs: r.to_ms, detachPending: r.pending }));
}
