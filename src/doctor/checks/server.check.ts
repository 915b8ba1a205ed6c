import { requireFreePort } from '../../embedded/free-port.js';
import { oneLine } from '../../startup-error.js';
import type { DoctorCheck, Finding } from '../doctor.js';

interface HealthReport {
  readonly status: string;
  readonly checks: Record<string, { status: string; reason?: string }>;
}

/** A running server: is it well? None: could it listen? */
export const check: DoctorCheck = {
  name: 'server',
  run: async ({ config, server }, signal) => {
    if (server === null || server.url === null) {
      try {
        await requireFreePort(config.get('HOST'), config.get('PORT'));
      } catch (error) {
        return { status: 'error', message: oneLine(error) };
      }
      return { status: 'ok', message: `not running; port ${config.get('PORT')} is free` };
    }
    const answer = await fetch(`${server.url}/health`, { signal });
    const report = (await answer.json()) as HealthReport;
    const failed = Object.entries(report.checks).filter(([, { status }]) => status === 'failed');
    const findings: Finding[] = failed.map(([name, { reason }]) => ({
      status: 'error',
      message: `${name} does not work: ${reason ?? 'no reason given'}`,
    }));
    const status = report.status === 'ok' ? 'ok' : 'warning';
    return [{ status, message: `process ${server.pid} at ${server.url}: ${report.status}` }, ...findings];
  },
};
