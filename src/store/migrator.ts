import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { migrationNames } from '../../migrations/index.js';
import { applyPolicies } from '../../migrations/policies/index.js';
import { StartupError } from '../startup-error.js';
import { type DialectRecord, probeDialect, readDialect, recordDialect } from './dialect.js';
import type { Retention } from './retention.js';

export interface MigrateOptions {
  /** Whether TimescaleDB may be used where the server offers it; decides only for a database without a schema. */
  readonly timescale: 'auto' | 'off';
  readonly retention: Retention;
  /** Told once, when another process holds the lock. */
  readonly onWait?: () => void;
}

export interface MigrateResult {
  readonly applied: readonly string[];
  readonly dialect: DialectRecord;
}

/** Of our own choice; one holder per database migrates. */
const advisoryLockId = 7_316_118_001;
const pollMs = 50;
const lockTimeoutMs = 120_000;

/**
 * Brings a database to the current schema and re-applies the policies. Safe to run from several processes at once: the
 * lock is taken by polling, because a session that blocks in `pg_advisory_lock` holds a snapshot that
 * `CREATE INDEX CONCURRENTLY` of the migrating session would wait for.
 */
export async function migrate(url: string, options: MigrateOptions): Promise<MigrateResult> {
  const client = new pg.Client({ connectionString: url, application_name: 'tidewatch migrate lock' });
  await client.connect();
  try {
    await requireVersion(client);
    await takeLock(client, options.onWait);
    let dialect = await readDialect(client);
    if (dialect === null) {
      dialect = await probeDialect(url, options.timescale === 'auto');
      await recordDialect(client, dialect);
    } else if (dialect.dialect === 'timescale') {
      await requireTimescale(client);
    }
    const applied = await runPending(url, client);
    await applyPolicies(client, dialect.dialect, options.retention);
    return { applied, dialect };
  } finally {
    // Ends the session and with it the lock.
    await client.end();
  }
}

/** Names of migrations that a database has not seen. */
export async function pendingMigrations(client: Pick<pg.Client, 'query'>): Promise<string[]> {
  const exists = await client.query<{ t: string | null }>("SELECT to_regclass('schema_migrations') AS t");
  if (!exists.rows[0]?.t) return [...migrationNames];
  const { rows } = await client.query<{ name: string }>('SELECT name FROM schema_migrations');
  const done = new Set(rows.map((r) => r.name));
  const unknown = [...done].filter((name) => !migrationNames.includes(name));
  if (unknown.length > 0) {
    throw new StartupError(
      `the database has been migrated by a newer version (${unknown.join(', ')}): start that version`,
    );
  }
  return migrationNames.filter((name) => !done.has(name));
}

async function runPending(url: string, client: pg.Client): Promise<string[]> {
  // Loading TypeORM takes longer than the question whether it is needed.
  if ((await pendingMigrations(client)).length === 0) return [];
  const { createDataSource } = await import('./data-source.js');
  const source = createDataSource(url);
  await source.initialize();
  try {
    return (await source.runMigrations()).map((migration) => migration.name);
  } finally {
    await source.destroy();
  }
}

async function takeLock(client: pg.Client, onWait?: () => void): Promise<void> {
  const deadline = Date.now() + lockTimeoutMs;
  for (let told = false; ; told = true) {
    const { rows } = await client.query<{ got: boolean }>('SELECT pg_try_advisory_lock($1) AS got', [
      advisoryLockId,
    ]);
    if (rows[0]?.got) return;
    if (!told) onWait?.();
    if (Date.now() > deadline) {
      throw new StartupError('another process has been migrating this database for more than two minutes');
    }
    await sleep(pollMs);
  }
}

async function requireVersion(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ v: string }>("SELECT current_setting('server_version_num') AS v");
  if (Number(rows[0]?.v) < 150_000) {
    throw new StartupError(
      'PostgreSQL 15 or newer is needed (NULLS NOT DISTINCT in the key of ticks), this is older',
    );
  }
}

async function requireTimescale(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ license: string | null }>(
    "SELECT current_setting('timescaledb.license', true) AS license",
  );
  if (rows[0]?.license !== 'timescale') {
    throw new StartupError(
      'this database was created with the community edition of TimescaleDB, which the server no longer offers: ' +
        'load it again (shared_preload_libraries, timescaledb.license=timescale)',
    );
  }
}
