import type { CollectorDatabase, CollectorMetrics } from '../../src/observability/collection/collector.js';
import * as m from './postgres.metrics.js';

export interface TableRow {
  readonly table: string;
  readonly heap: number;
  readonly indexes: number;
  readonly toast: number;
  readonly live: number;
  readonly dead: number;
  readonly seq_scans: number;
  readonly idx_scans: number;
  readonly inserted: number;
  readonly updated: number;
  readonly deleted: number;
  readonly vacuum_age: number | null;
  readonly parts: number;
}

/** Partitions are added up under the table that applications name; largest first. */
const tablesSql = `
  WITH RECURSIVE roots AS (
    SELECT c.oid, c.oid AS root FROM pg_class c
    WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
    UNION ALL
    SELECT i.inhrelid, r.root FROM pg_inherits i JOIN roots r ON i.inhparent = r.oid)
  SELECT n.nspname || '.' || c.relname AS "table",
    sum(pg_table_size(s.relid) - coalesce(pg_total_relation_size(nullif(pc.reltoastrelid, 0)), 0))::float8 AS heap,
    sum(pg_indexes_size(s.relid))::float8 AS indexes,
    sum(coalesce(pg_total_relation_size(nullif(pc.reltoastrelid, 0)), 0))::float8 AS toast,
    sum(s.n_live_tup)::float8 AS live, sum(s.n_dead_tup)::float8 AS dead,
    sum(s.seq_scan)::float8 AS seq_scans, sum(coalesce(s.idx_scan, 0))::float8 AS idx_scans,
    sum(s.n_tup_ins)::float8 AS inserted, sum(s.n_tup_upd)::float8 AS updated, sum(s.n_tup_del)::float8 AS deleted,
    extract(epoch FROM now() - min(greatest(s.last_vacuum, s.last_autovacuum)))::float8 AS vacuum_age,
    (count(*) FILTER (WHERE r.oid <> r.root))::int AS parts
  FROM pg_stat_user_tables s
  JOIN roots r ON r.oid = s.relid
  JOIN pg_class c ON c.oid = r.root
  JOIN pg_class pc ON pc.oid = s.relid
  JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname NOT IN ('_timescaledb_catalog', '_timescaledb_config', '_timescaledb_cache')
  GROUP BY 1 ORDER BY 2 DESC LIMIT 50`;

export async function collectTables(database: CollectorDatabase, metrics: CollectorMetrics): Promise<void> {
  for (const row of await database.query<TableRow>(tablesSql)) reportTable(metrics, row);
}

export function reportTable(metrics: CollectorMetrics, row: TableRow): void {
  const { table } = row;
  metrics.set(m.tableBytes, row.heap, { table, part: 'heap' });
  metrics.set(m.tableBytes, row.indexes, { table, part: 'indexes' });
  metrics.set(m.tableBytes, row.toast, { table, part: 'toast' });
  metrics.set(m.tableLiveRows, row.live, { table });
  metrics.set(m.tableDeadRows, row.dead, { table });
  metrics.set(m.tableScans, row.seq_scans, { table, method: 'sequential' });
  metrics.set(m.tableScans, row.idx_scans, { table, method: 'index' });
  metrics.set(m.tableWrites, row.inserted, { table, operation: 'insert' });
  metrics.set(m.tableWrites, row.updated, { table, operation: 'update' });
  metrics.set(m.tableWrites, row.deleted, { table, operation: 'delete' });
  metrics.set(m.tableVacuumAge, row.vacuum_age, { table });
  if (row.parts > 0) metrics.set(m.partitions, row.parts, { table });
}

/** Lower bounds of a table's partitions, as PostgreSQL prints them. */
export interface PartitionRow {
  readonly table: string;
  readonly bound: string;
}

/** Only tables partitioned by one column of a time type: of others, nothing is ahead of now. */
const partitionsSql = `
  SELECT n.nspname || '.' || p.relname AS "table", pg_get_expr(c.relpartbound, c.oid) AS bound
  FROM pg_partitioned_table t
  JOIN pg_class p ON p.oid = t.partrelid
  JOIN pg_namespace n ON n.oid = p.relnamespace
  JOIN pg_inherits i ON i.inhparent = p.oid
  JOIN pg_class c ON c.oid = i.inhrelid
  JOIN pg_attribute a ON a.attrelid = p.oid AND a.attnum = t.partattrs[0]
  WHERE t.partstrat = 'r' AND t.partnatts = 1
    AND a.atttypid IN ('timestamptz'::regtype, 'timestamp'::regtype, 'date'::regtype)`;

export async function collectPartitions(
  database: CollectorDatabase,
  metrics: CollectorMetrics,
  nowMs: number,
): Promise<void> {
  const rows = await database.query<PartitionRow>(partitionsSql);
  for (const [table, ahead] of partitionsAhead(rows, nowMs)) metrics.set(m.partitionsAhead, ahead, { table });
}

/** How many partitions of each table begin after now. A table whose partitions have all begun has 0. */
export function partitionsAhead(rows: readonly PartitionRow[], nowMs: number): Map<string, number> {
  const out = new Map<string, number>();
  for (const { table, bound } of rows) {
    const from = /FROM \('([^']+)'\)/.exec(bound)?.[1];
    const ahead = from !== undefined && Date.parse(asIso(from)) > nowMs;
    out.set(table, (out.get(table) ?? 0) + (ahead ? 1 : 0));
  }
  return out;
}

/** `2026-11-22 00:00:00+00` → a form that every parser reads; without a zone it is UTC. */
function asIso(text: string): string {
  const match = /^(\d{4,}-\d\d-\d\d)(?: ([\d:.]+)([+-]\d\d(?::?\d\d)?)?)?$/.exec(text);
  if (!match) return text;
  const [, day, time = '00:00:00', zone = '+00'] = match;
  return `${day}T${time}${zone.length === 3 ? `${zone}:00` : zone}`;
}
