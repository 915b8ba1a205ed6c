import pg, { type ClientBase } from 'pg';
import { messageOf } from './writer/sqlstate.js';

/** `timescale`: hypertables and continuous aggregates; `native`: partitions and roll-up tables of our own. */
export type Dialect = 'native' | 'timescale';

/** Which branch of the schema a database is on, and why; recorded once, when the schema is created. */
export interface DialectRecord {
  readonly dialect: Dialect;
  /** One sentence for `doctor`: why this branch. */
  readonly reason: string;
  /** Version of the extension; `null` on plain PostgreSQL. */
  readonly timescaleVersion: string | null;
}

/** What a database on the native branch does without, for `doctor` and the storage collector. */
export const lostWithoutTimescale: readonly string[] = [
  'columnstore compression of old chunks (measured: 20 times less disk, 2–3 times faster scans of raw rows)',
  'vectorised aggregation over raw rows; answers come from roll-ups either way',
];

/** By-range hypertables and hierarchical real-time aggregates as we use them. */
const oldestVersion = [2, 14] as const;

/**
 * Asks the server, not the documentation: the extension may be there and not loaded, or be the Apache edition, whose
 * compression, policies and continuous aggregates exist and refuse to work.
 * @param url the database; probed on a connection of its own, because a failed attempt may end it
 */
export async function probeDialect(url: string, allowed: boolean): Promise<DialectRecord> {
  const native = (reason: string): DialectRecord => ({ dialect: 'native', reason, timescaleVersion: null });
  if (!allowed) return native('TIMESCALE=off');
  const client = new pg.Client({ connectionString: url, application_name: 'tidewatch probe' });
  // Loading an extension that the server has not preloaded ends the connection.
  client.on('error', () => undefined);
  await client.connect();
  try {
    const installed = await extensionVersion(client);
    if (installed === null) {
      const { rowCount } = await client.query(
        "SELECT FROM pg_available_extensions WHERE name = 'timescaledb'",
      );
      if (!rowCount) return native('the server does not offer the extension timescaledb');
      try {
        await client.query('CREATE EXTENSION timescaledb');
      } catch (error) {
        return native(`CREATE EXTENSION timescaledb failed: ${messageOf(error)}`);
      }
    }
    return await judge(client, installed === null, native);
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function judge(
  client: pg.Client,
  createdHere: boolean,
  native: (reason: string) => DialectRecord,
): Promise<DialectRecord> {
  const version = (await extensionVersion(client)) ?? '0';
  const { rows } = await client.query<{ license: string | null }>(
    "SELECT current_setting('timescaledb.license', true) AS license",
  );
  const license = rows[0]?.license;
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const tooOld = major < oldestVersion[0] || (major === oldestVersion[0] && minor < oldestVersion[1]);
  const problem = tooOld
    ? `TimescaleDB ${version} is older than ${oldestVersion.join('.')}`
    : license !== 'timescale'
      ? `TimescaleDB ${version} runs under timescaledb.license=${license ?? 'unknown'}, without compression, policies and continuous aggregates`
      : null;
  if (problem === null) {
    return {
      dialect: 'timescale',
      reason: `TimescaleDB ${version}, community edition`,
      timescaleVersion: version,
    };
  }
  if (createdHere) await client.query('DROP EXTENSION timescaledb');
  return native(problem);
}

async function extensionVersion(client: pg.Client): Promise<string | null> {
  const { rows } = await client.query<{ extversion: string }>(
    "SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'",
  );
  return rows[0]?.extversion ?? null;
}

/** The recorded branch, or `null` in a database without our schema. */
export async function readDialect(client: Pick<ClientBase, 'query'>): Promise<DialectRecord | null> {
  const exists = await client.query<{ t: string | null }>("SELECT to_regclass('storage_settings') AS t");
  if (!exists.rows[0]?.t) return null;
  const { rows } = await client.query<{ value: DialectRecord }>(
    "SELECT value FROM storage_settings WHERE name = 'dialect'",
  );
  return rows[0]?.value ?? null;
}

/** Records the branch for good: a database must not change it by accident. */
export async function recordDialect(client: Pick<ClientBase, 'query'>, record: DialectRecord): Promise<void> {
  await client.query(`CREATE TABLE IF NOT EXISTS storage_settings (
    name text PRIMARY KEY, value jsonb NOT NULL, updated_at timestamptz NOT NULL DEFAULT now())`);
  await client.query("INSERT INTO storage_settings (name, value) VALUES ('dialect', $1)", [
    JSON.stringify(record),
  ]);
}
