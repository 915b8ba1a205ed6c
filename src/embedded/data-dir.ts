import {
  chmodSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { errorCode, explainFileError, StartupError } from '../startup-error.js';
import { isAlive, startTicks } from './process-table.js';

/** The server that has the folder. */
export interface Owner {
  readonly pid: number;
  readonly startTicks: string | null;
  /** Where the owner serves, for the message to a second server. */
  readonly url: string | null;
}

const lockName = 'server.lock';

/** The folder of this installation, owned by one server at a time. */
export class DataDir {
  readonly path: string;
  readonly logs: string;
  private readonly lockFile: string;

  /** @throws StartupError when the folder cannot be written */
  constructor(path: string) {
    this.path = path;
    this.logs = join(path, 'logs');
    this.lockFile = join(path, lockName);
    try {
      // Searchable: the unprivileged user of the embedded database lives below it when the server runs as root.
      makeFolder(path, 0o755);
      makeFolder(this.logs, 0o700);
      // 64 KiB: an empty file can be made even on a full disk.
      const probe = join(path, `.probe-${process.pid}`);
      try {
        writeFileSync(probe, Buffer.alloc(65_536, 1));
      } finally {
        rmSync(probe, { force: true });
      }
    } catch (error) {
      throw explainFileError(error, path);
    }
  }

  /**
   * Takes the folder for this process. The lock of a process that no longer runs (kill -9, power loss) is taken over.
   * @throws StartupError when a living server has it
   */
  lock(url: string | null): void {
    const draft = this.writeDraft(url);
    try {
      // A link appears with its content or not at all, and never replaces another.
      for (let attempt = 0; attempt < 3; attempt++) {
        try {
          linkSync(draft, this.lockFile);
          return;
        } catch (error) {
          if (errorCode(error) !== 'EEXIST') throw explainFileError(error, this.lockFile);
        }
        this.removeStaleLock();
      }
      throw new StartupError(`cannot lock ${this.path}: another server is starting on it`);
    } finally {
      rmSync(draft, { force: true });
    }
  }

  /** The server listens: tells commands and later starts where. */
  announce(url: string): void {
    const draft = this.writeDraft(url);
    renameSync(draft, this.lockFile);
  }

  unlock(): void {
    if (this.owner()?.pid === process.pid) rmSync(this.lockFile, { force: true });
  }

  private writeDraft(url: string | null): string {
    const mine: Owner = { pid: process.pid, startTicks: startTicks(process.pid), url };
    const draft = `${this.lockFile}.${process.pid}`;
    writeFileSync(draft, JSON.stringify(mine), { mode: 0o600 });
    return draft;
  }

  private removeStaleLock(): void {
    const owner = this.owner();
    if (owner !== null && owner.pid !== process.pid && runs(owner)) {
      const where = owner.url === null ? '' : ` at ${owner.url}`;
      throw new StartupError(
        `another server (process ${owner.pid}${where}) uses ${this.path}; stop it or set another DATA_DIR`,
      );
    }
    const aside = `${this.lockFile}.stale-${process.pid}`;
    try {
      renameSync(this.lockFile, aside);
      rmSync(aside);
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') throw explainFileError(error, this.lockFile);
    }
  }

  private owner(): Owner | null {
    try {
      return JSON.parse(readFileSync(this.lockFile, 'utf8')) as Owner;
    } catch {
      return null; // gone, or damaged: nobody's
    }
  }
}

/** `mkdir -p`. Not Node's recursive option: it never returns where the parent exists and yet cannot hold folders (/proc). */
function makeFolder(path: string, mode: number): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
  if (dirname(path) !== path) makeFolder(dirname(path), 0o755);
  mkdirSync(path);
  chmodSync(path, mode); // whatever the umask is: the database's user has to pass
}

/** The living server that has this folder, if any; looks only, makes nothing. */
export function serverOn(path: string): Owner | null {
  try {
    const owner = JSON.parse(readFileSync(join(path, lockName), 'utf8')) as Owner;
    return runs(owner) ? owner : null;
  } catch {
    return null; // no folder, no lock
  }
}

function runs(owner: Owner): boolean {
  return isAlive(owner.pid) && (owner.startTicks === null || startTicks(owner.pid) === owner.startTicks);
}
