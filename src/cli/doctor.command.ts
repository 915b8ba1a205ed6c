import type { Command } from 'commander';
import type { Diagnosis } from '../doctor/doctor.js';
import { oneLine } from '../startup-error.js';
import { configOf } from './command.js';

const marks = { ok: '✓', warning: '!', error: '✗' } as const;

export function register(program: Command): void {
  program
    .command('doctor')
    .description('tell what is wrong with this installation; exit code 1 when something is')
    .option('--json', 'as JSON')
    .option('--strict', 'warnings, too, make the exit code 1')
    .action(async (options: { json?: boolean; strict?: boolean }, command: Command) => {
      const findings = await diagnose(command);
      const bad = findings.filter(
        ({ status }) => status === 'error' || (options.strict && status === 'warning'),
      );
      if (options.json) {
        console.log(JSON.stringify({ status: bad.length === 0 ? 'ok' : 'error', findings }, null, 2));
      } else {
        for (const finding of findings) print(finding);
        console.log(bad.length === 0 ? '\nNothing is wrong.' : `\n${bad.length} to fix.`);
      }
      process.exitCode = bad.length === 0 ? 0 : 1;
    });
}

async function diagnose(command: Command): Promise<Diagnosis[]> {
  let config: ReturnType<typeof configOf>;
  try {
    config = configOf(command);
  } catch (error) {
    // Without settings there is nothing else to look at.
    return [{ check: 'settings', status: 'error', message: oneLine(error) }];
  }
  const { examine, findChecks } = await import('../doctor/doctor.js');
  const { serverOn } = await import('../embedded/data-dir.js');
  const { runningPostgresUrl } = await import('../embedded/postgres-address.js');
  const dataDir = config.get('DATA_DIR');
  const server = serverOn(dataDir);
  const databaseUrl = config.get('DATABASE_URL') ?? (server === null ? null : runningPostgresUrl(dataDir));
  const findings = await examine(await findChecks(), { config, server, databaseUrl });
  return [{ check: 'settings', status: 'ok', message: 'all valid' }, ...findings];
}

function print({ check, status, message, fix }: Diagnosis): void {
  console.log(`${marks[status]} ${check.padEnd(10)} ${message}`);
  if (fix !== undefined) console.log(`  ${''.padEnd(10)} → ${fix}`);
}
