import type { Command } from 'commander';
import type { Diagnosis, DoctorContext } from '../doctor/doctor.js';
import { verdictOf, verdictOfAlert } from '../doctor/verdict.js';
import { oneLine } from '../startup-error.js';
import { configOf } from './command.js';

const marks = { ok: '✓', warning: '!', error: '✗', unknown: '?' } as const;

export function register(program: Command): void {
  program
    .command('doctor')
    .description('tell what is wrong with this installation; exit code 1 when something is')
    .option('--json', 'as JSON')
    .option('--strict', 'warnings, too, make the exit code 1')
    .option('--alert <name>', 'only: can this alert fire, and who hears of it?')
    .action(async (options: { json?: boolean; strict?: boolean; alert?: string }, command: Command) => {
      const findings = await diagnose(command, options.alert);
      const { status, text } =
        options.alert === undefined
          ? verdictOf(findings, options.strict === true)
          : verdictOfAlert(options.alert, findings);
      if (options.json) {
        console.log(JSON.stringify({ status, findings }, null, 2));
      } else {
        for (const finding of findings) print(finding);
        console.log(`\n${text}`);
      }
      process.exitCode = status === 'ok' ? 0 : 1;
    });
}

async function diagnose(command: Command, alert: string | undefined): Promise<readonly Diagnosis[]> {
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
  const context = { config, server, databaseUrl };
  if (alert !== undefined) return diagnoseOne(alert, context);
  const findings = await examine(await findChecks(), context);
  return [{ check: 'settings', status: 'ok', message: 'all valid' }, ...findings];
}

async function diagnoseOne(name: string, context: DoctorContext): Promise<readonly Diagnosis[]> {
  const { diagnoseAlert } = await import('../doctor/alerting/diagnose-alerts.js');
  const findings = await diagnoseAlert(name, context, AbortSignal.timeout(5_000));
  if (findings === null) return [{ check: 'alert', status: 'error', message: `no alert is named ${name}` }];
  return findings.map(({ step, ...finding }) => ({ check: step, ...finding }));
}

function print({ check, status, message, fix }: Diagnosis): void {
  console.log(`${marks[status]} ${check.padEnd(10)} ${message}`);
  if (fix !== undefined) console.log(`  ${''.padEnd(10)} → ${fix}`);
}
