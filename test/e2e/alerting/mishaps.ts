import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import type { SettingName } from '../../../src/config/schema.js';

/** A calculator that fails, and a metric whose label grows without bound. */
export interface BadPlugins {
  readonly settings: Partial<Record<SettingName, string>>;
  remove(): void;
}

export function badPlugins(): BadPlugins {
  const folder = mkdtempSync(join(tmpdir(), 'tidewatch-mishaps-'));
  const collectors = join(folder, 'collectors');
  mkdirSync(collectors);
  writeFileSync(
    join(collectors, 'growing.sql.yml'),
    `description: A label that grows.
query: SELECT 'k' || i AS key, i AS value FROM generate_series(1, 50) AS i
metrics:
  - { name: tidewatch_sql_growing, type: gauge, help: Grows., labels: { key: bounded }, max_series: 10 }
`,
  );
  const calculator = join(folder, 'unlucky.mjs');
  writeFileSync(
    calculator,
    `export default { name: 'unlucky', description: 'fails', version: '1', need: 1,
  compute() { throw new Error('no luck'); } };
`,
  );
  return {
    settings: { COLLECTORS_DIR: collectors, CALCULATORS: calculator },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Runs something while a table is locked. */
async function whileLocked<T>(
  databaseUrl: string,
  lock: string,
  action: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = new pg.Client(databaseUrl);
  await client.connect();
  try {
    await client.query(`BEGIN; LOCK TABLE ${lock} MODE`);
    return await action(client);
  } finally {
    await client.end();
  }
}

/** Rows of the metrics wait for so long. */
export const holdUpWriter = (databaseUrl: string, ms: number): Promise<void> =>
  whileLocked(
    databaseUrl,
    'analytics_metrics IN EXCLUSIVE',
    () => new Promise((resolve) => setTimeout(resolve, ms)),
  );

/** One request is answered with 503: its query waits, and is cancelled. @returns the status */
export const cancelledRequest = (databaseUrl: string, baseUrl: string): Promise<number> =>
  whileLocked(databaseUrl, 'risk_events IN ACCESS EXCLUSIVE', async (client) => {
    const answer = fetch(`${baseUrl}/api/v1/risk/portfolio/LOAD/events`);
    for (let cancelled = 0; cancelled === 0; ) {
      const { rowCount } = await client.query(
        `SELECT pg_cancel_backend(pid) FROM pg_stat_activity
         WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))`,
      );
      cancelled = rowCount ?? 0;
    }
    return (await answer).status;
  });
