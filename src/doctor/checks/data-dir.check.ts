import { accessSync, constants, existsSync, statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { chooseDatabaseUser } from '../../embedded/database-user.js';
import { findPostgres } from '../../embedded/postgres-binaries.js';
import { oneLine } from '../../startup-error.js';
import type { DoctorCheck, Finding } from '../doctor.js';

const gib = 2 ** 30;

/** Can this process write the folder, is there space, and can PostgreSQL run in it. */
export const check: DoctorCheck = {
  name: 'data-dir',
  run: async ({ config }) => {
    const path = config.get('DATA_DIR');
    const findings: Finding[] = [];
    const existing = nearestExisting(path);
    try {
      accessSync(existing, constants.W_OK | constants.X_OK);
    } catch {
      return {
        status: 'error',
        message: `${existing} cannot be written`,
        fix: 'set DATA_DIR to a folder of yours',
      };
    }
    const { bavail, bsize } = statfsSync(existing);
    const free = (bavail * bsize) / gib;
    const space = `${path}: ${free.toFixed(1)} GiB free`;
    findings.push(
      free >= 2
        ? { status: 'ok', message: space }
        : {
            status: free < 0.2 ? 'error' : 'warning',
            message: space,
            fix: 'make room: ingest stops on a full disk',
          },
    );
    if (config.get('DATABASE_URL') === undefined) {
      try {
        const binaries = findPostgres();
        chooseDatabaseUser([binaries.postgres, `${existing}/postgres`]);
        findings.push({ status: 'ok', message: 'the embedded PostgreSQL can run here' });
      } catch (error) {
        findings.push({ status: 'error', message: oneLine(error) });
      }
    }
    return findings;
  },
};

function nearestExisting(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : nearestExisting(dirname(path));
}
