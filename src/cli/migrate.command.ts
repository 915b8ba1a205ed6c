import type { Command } from 'commander';
import pg from 'pg';
import type { Config } from '../config/config.js';
import { configOf } from './command.js';

export function register(program: Command): void {
  program
    .command('migrate')
    .description('bring the database to the current schema; the server does the same when it starts')
    .option('--check', 'only list what is pending; exit code 1 when something is')
    .action(async (options: { check?: boolean }, command: Command) => {
      const config = configOf(command);
      const { withDatabase } = await import('../embedded/with-database.js');
      await withDatabase(config, (url) => (options.check ? listPending(url) : bringUp(url, config)));
    });
}

async function listPending(url: string): Promise<void> {
  const { pendingMigrations } = await import('../store/migrator.js');
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const pending = await pendingMigrations(client);
    for (const name of pending) console.log(`pending  ${name}`);
    if (pending.length === 0) console.log('The schema is current.');
    process.exitCode = pending.length === 0 ? 0 : 1;
  } finally {
    await client.end();
  }
}

async function bringUp(url: string, config: Config): Promise<void> {
  const { migrate } = await import('../store/migrator.js');
  const { applied, dialect } = await migrate(url, {
    timescale: config.get('TIMESCALE'),
    retention: {
      ticks: config.get('TICK_RETENTION_DAYS') ?? null,
      metrics: config.get('METRIC_RETENTION_DAYS') ?? null,
    },
    onWait: () => console.log('waiting for another process that migrates this database …'),
  });
  for (const name of applied) console.log(`applied  ${name}`);
  console.log(`The schema is current (${dialect.dialect}: ${dialect.reason}).`);
}
