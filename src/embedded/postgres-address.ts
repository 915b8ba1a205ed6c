import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { explainFileError } from '../startup-error.js';

export const superuser = 'tidewatch';
export const database = 'tidewatch';

/** Address of the embedded PostgreSQL that another process runs on this folder; `null` when none runs. */
export function runningPostgresUrl(dataDir: string): string | null {
  try {
    const port = Number(readFileSync(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8').split('\n')[3]);
    const password = readFileSync(join(dataDir, 'secrets', 'postgres-password'), 'utf8').trim();
    return urlOf(password, port);
  } catch {
    return null; // not running, or never made
  }
}

export const urlOf = (password: string, port: number): string =>
  `postgres://${superuser}:${password}@127.0.0.1:${port}/${database}`;

/** The password of the embedded database, made on first use, readable by this user only. */
export function ensurePassword(dataDir: string): string {
  const file = join(dataDir, 'secrets', 'postgres-password');
  try {
    if (existsSync(file)) return readFileSync(file, 'utf8').trim();
    mkdirSync(join(dataDir, 'secrets'), { recursive: true, mode: 0o700 });
    const password = randomBytes(24).toString('base64url');
    writeFileSync(file, password, { mode: 0o600, flag: 'wx' });
    return password;
  } catch (error) {
    throw explainFileError(error, file);
  }
}
