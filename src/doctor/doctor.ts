import { readdirSync } from 'node:fs';
import type { Config } from '../config/config.js';
import type { Owner } from '../embedded/data-dir.js';

export interface Finding {
  /**
   * `error`: does not work, exit code 1. `warning`: works, but not as it should. `unknown`: nobody who knows was asked
   * or answered.
   */
  readonly status: 'ok' | 'warning' | 'error' | 'unknown';
  /** One sentence, with the numbers that were found. */
  readonly message: string;
  /** What to do about it. */
  readonly fix?: string;
}

export interface DoctorContext {
  readonly config: Config;
  /** The server that runs on this DATA_DIR, if any. */
  readonly server: Owner | null;
  /** Address of the database, when there is one to ask: external, or embedded and running. */
  readonly databaseUrl: string | null;
}

/** What a `checks/<name>.check.ts` exports as `check`. It changes nothing, and starts no server. */
export interface DoctorCheck {
  readonly name: string;
  run(context: DoctorContext, signal: AbortSignal): Promise<Finding | readonly Finding[]>;
}

export type Diagnosis = Finding & { readonly check: string };

const checkTimeoutMs = 5_000;

/** Every check that lies in `checks/`: a new one edits nothing else. */
export async function findChecks(): Promise<DoctorCheck[]> {
  const folder = new URL('./checks/', import.meta.url);
  const files = readdirSync(folder).filter(
    (name) => /\.check\.(js|ts)$/.test(name) && !name.includes('.spec.'),
  );
  const modules = await Promise.all(
    files.sort().map((name) => import(new URL(name, folder).href) as Promise<{ check: DoctorCheck }>),
  );
  return modules.map(({ check }) => check);
}

/** Runs the checks side by side. One that fails or hangs is a finding of its own. */
export async function examine(
  checks: readonly DoctorCheck[],
  context: DoctorContext,
  timeoutMs = checkTimeoutMs,
): Promise<Diagnosis[]> {
  const all = await Promise.all(
    checks.map(async (check) => {
      const findings = await runCheck(check, context, timeoutMs);
      return findings.map((finding) => ({ check: check.name, ...finding }));
    }),
  );
  return all.flat();
}

async function runCheck(
  check: DoctorCheck,
  context: DoctorContext,
  timeoutMs: number,
): Promise<readonly Finding[]> {
  const signal = AbortSignal.timeout(timeoutMs);
  const late = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(new Error(`no answer within ${timeoutMs} ms`)), {
      once: true,
    });
  });
  try {
    const findings = await Promise.race([check.run(context, signal), late]);
    return 'status' in findings ? [findings] : findings;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return [{ status: 'error', message: `the check itself failed: ${why}` }];
  }
}
