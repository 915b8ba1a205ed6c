import { chownSync, readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { StartupError } from '../startup-error.js';

/** PostgreSQL refuses to run as root: whom it runs as instead. `null`: as ourselves. */
export interface RunAs {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** In order of preference; `nobody` is there on every Unix. */
const candidates = ['postgres', 'nobody'];

/** @throws StartupError when this process is root and there is no user to change to */
export function unprivilegedUser(): RunAs | null {
  if (process.getuid?.() !== 0) return null;
  const passwd = readFileSync('/etc/passwd', 'utf8').split('\n');
  for (const name of candidates) {
    const fields = passwd.find((line) => line.startsWith(`${name}:`))?.split(':');
    if (fields?.[2] !== undefined && fields[3] !== undefined) {
      return { name, uid: Number(fields[2]), gid: Number(fields[3]) };
    }
  }
  throw new StartupError(
    `PostgreSQL does not run as root, and this system has none of the users ${candidates.join(', ')}; start as another user`,
  );
}

/** Gives `path` to the user. */
export function giveTo(user: RunAs | null, path: string): void {
  if (user !== null) chownSync(path, user.uid, user.gid);
}

/** The first folder above `path` that the user may not pass through, or `undefined`. */
export function blockedParent(user: RunAs, path: string): string | undefined {
  const parents: string[] = [];
  for (let dir = dirname(resolve(path)); ; dir = dirname(dir)) {
    parents.unshift(dir);
    if (dir === dirname(dir)) break;
  }
  return parents.find((dir) => {
    const { mode, uid, gid } = statSync(dir);
    const bit = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001;
    return (mode & bit) === 0;
  });
}
