import pg from 'pg';
import type { Config } from '../../config/config.js';
import { type DialectRecord, lostWithoutTimescale, readDialect } from '../../store/dialect.js';
import { pendingMigrations } from '../../store/migrator.js';
import type { DoctorCheck, Finding } from '../doctor.js';

interface Facts {
  readonly version: string;
  readonly number: number;
  readonly max_connections: number;
  readonly used: number;
  readonly timescaledb: string | null;
  readonly licence: string | null;
  readonly invalid: string[] | null;
  readonly now_ms: number;
}

const facts = `
  SELECT current_setting('server_version') AS version,
         current_setting('server_version_num')::int AS number,
         current_setting('max_connections')::int AS max_connections,
         (SELECT count(*)::int FROM pg_stat_activity WHERE backend_type = 'client backend') AS used,
         (SELECT extversion FROM pg_extension WHERE extname = 'timescaledb') AS timescaledb,
         current_setting('timescaledb.license', true) AS licence,
         (SELECT array_agg(indexrelid::regclass::text) FROM pg_index WHERE NOT indisvalid) AS invalid,
         extract(epoch FROM clock_timestamp()) * 1000 AS now_ms`;

/** Version, edition, room for our pools, broken indexes, clock. */
export const check: DoctorCheck = {
  name: 'database',
  run: async ({ config, databaseUrl }) => {
    if (databaseUrl === null) return { status: 'ok', message: 'embedded PostgreSQL, not running' };
    const client = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: 3_000 });
    try {
      await client.connect();
    } catch (error) {
      const why = error instanceof Error ? error.message || String(error.name) : String(error);
      return { status: 'error', message: `the database does not answer: ${why}`, fix: 'check DATABASE_URL' };
    }
    try {
      const { rows } = await client.query<Facts>(facts);
      const findings = rows[0] === undefined ? [] : judge(rows[0], config, Date.now());
      const branch = judgeBranch(await readDialect(client));
      const complaints = judgeLog(await recentComplaints(client));
      return [...findings, ...branch, ...judgeSchema(await pendingMigrations(client)), ...complaints];
    } finally {
      await client.end();
    }
  },
};

/** A pending migration is no error: the next start applies it. */
function judgeSchema(pending: readonly string[]): Finding[] {
  if (pending.length === 0) return [{ status: 'ok', message: 'the schema is current' }];
  const message = `${pending.length} migrations are pending`;
  return [{ status: 'warning', message, fix: 'start the server, or run npx tidewatch migrate' }];
}

/** Which branch of the schema the database is on, and what that costs. */
export function judgeBranch(branch: DialectRecord | null): Finding[] {
  if (branch === null) return [];
  if (branch.dialect === 'timescale') {
    const message = `storage on TimescaleDB: hypertables, columnstore, continuous aggregates (${branch.reason})`;
    return [{ status: 'ok', message }];
  }
  const message = `storage on plain PostgreSQL: partitions and roll-ups of our own (${branch.reason}); without TimescaleDB there is no ${lostWithoutTimescale.join('; no ')}`;
  return [{ status: 'ok', message }];
}

interface Complaints {
  readonly errors: number;
  readonly warnings: number;
  /** The newest one, `module: message`. */
  readonly newest: string | null;
}

/** What all processes have logged lately; none before the table exists. */
async function recentComplaints(client: pg.Client): Promise<Complaints | null> {
  const { rows: tables } = await client.query<{ t: string | null }>("SELECT to_regclass('debug_logs') AS t");
  if (!tables[0]?.t) return null;
  // Index debug_logs_time.
  const { rows } = await client.query<Complaints>(
    `SELECT (count(*) FILTER (WHERE level <> 'warn'))::int AS errors, (count(*) FILTER (WHERE level = 'warn'))::int AS warnings,
       (array_agg(module || ': ' || message ORDER BY "timestamp" DESC))[1] AS newest
     FROM debug_logs WHERE "timestamp" > now() - interval '1 hour'`,
  );
  return rows[0] ?? null;
}

export function judgeLog(complaints: Complaints | null): Finding[] {
  if (complaints === null || complaints.errors + complaints.warnings === 0) return [];
  const { errors, warnings, newest } = complaints;
  const message = `${errors} errors and ${warnings} warnings were logged within the last hour; the newest: ${newest}`;
  return [
    errors === 0
      ? { status: 'ok', message }
      : { status: 'warning', message, fix: 'read server.log, or the table debug_logs (three days)' },
  ];
}

/** The pure part: what the facts mean. */
export function judge(found: Facts, config: Config, nowMs: number): Finding[] {
  const findings: Finding[] = [];
  const edition = found.timescaledb === null ? 'without TimescaleDB' : `TimescaleDB ${found.timescaledb}`;
  findings.push(
    found.number >= 150_000
      ? { status: 'ok', message: `PostgreSQL ${found.version} ${edition}` }
      : { status: 'error', message: `PostgreSQL ${found.version} is too old`, fix: 'use 15 or newer' },
  );
  if (found.timescaledb !== null && found.licence !== 'timescale') {
    findings.push({
      status: 'warning',
      message: `TimescaleDB runs under the ${found.licence} licence: no compression, no continuous aggregates`,
      fix: "set timescaledb.license = 'timescale', or go without the extension",
    });
  }
  const ours = config.get('DB_WRITER_POOL_MAX') + config.get('DB_READER_POOL_MAX');
  if (ours + 10 > found.max_connections) {
    findings.push({
      status: 'error',
      message: `the pools may take ${ours} of ${found.max_connections} connections, ten are needed beside them`,
      fix: 'lower DB_READER_POOL_MAX, or raise max_connections',
    });
  } else if (found.used > 0.8 * found.max_connections) {
    findings.push({
      status: 'warning',
      message: `${found.used} of ${found.max_connections} connections are in use`,
    });
  }
  for (const index of found.invalid ?? []) {
    findings.push({
      status: 'error',
      message: `the index ${index} is invalid`,
      fix: `REINDEX INDEX CONCURRENTLY ${index}`,
    });
  }
  const skewMs = Math.abs(nowMs - found.now_ms);
  if (skewMs > 1_000) {
    findings.push({
      status: 'warning',
      message: `the clocks of this machine and of the database differ by ${(skewMs / 1000).toFixed(1)} s`,
      fix: 'synchronise them: ages of data are wrong by as much',
    });
  }
  return findings;
}
