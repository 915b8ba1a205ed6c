import { spawnSync } from 'node:child_process';
import { chownSync, lchownSync, lstatSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { StartupError } from '../startup-error.js';

/**
 * As whom the embedded PostgreSQL runs. It refuses root, and its initdb refuses a user id without a name. So: as
 * ourselves where that works; as another user when we are root; where that user cannot get to the folder, as ourselves in
 * a user namespace of our own, in which our id has another number; where there are no namespaces, as the other user with
 * the right to pass.
 */
export interface DatabaseUser {
  /** Who owns its files, as seen from here. */
  readonly uid: number;
  readonly gid: number;
  /** What to spawn so that `program` runs as this user. */
  command(
    program: string,
    args: readonly string[],
  ): { file: string; args: string[]; uid?: number; gid?: number };
}

interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** In order of preference; `nobody` is there on every Unix. */
const unprivileged = ['postgres', 'nobody'];

/**
 * @param paths what the user has to reach: the binaries and the folder of the cluster
 * @throws StartupError when there is no way, saying what to change
 */
export function chooseDatabaseUser(paths: readonly string[]): DatabaseUser {
  const [uid, gid] = [process.getuid?.() ?? -1, process.getgid?.() ?? -1];
  const known = accounts();
  if (uid !== 0) {
    // Without /etc/passwd (not Linux) the system knows its users in other ways.
    if (known.length === 0 || known.some((account) => account.uid === uid)) return asOurselves(uid, gid);
    const inNamespace = namespaceUser(uid, gid, known);
    if (inNamespace !== undefined) return inNamespace;
    throw new StartupError(
      `PostgreSQL needs a user with a name, and the id ${uid} has none in /etc/passwd; start as another user, or set DATABASE_URL`,
    );
  }
  const account = unprivileged.map((name) => known.find((each) => each.name === name)).find(Boolean);
  const blocked = account && paths.map((path) => blockedParent(account, path)).find(Boolean);
  if (account !== undefined && blocked === undefined) {
    const { uid, gid } = account;
    return { uid, gid, command: (file, args) => ({ file, args: [...args], uid, gid }) };
  }
  const unblocked = namespaceUser(uid, gid, known) ?? (account && capableUser(account));
  if (unblocked !== undefined) return unblocked;
  throw new StartupError(
    account === undefined
      ? `PostgreSQL does not run as root, and this system has none of the users ${unprivileged.join(', ')}; start as another user, or set DATABASE_URL`
      : `PostgreSQL does not run as root but as "${account.name}", who may not enter ${blocked}: chmod o+x ${blocked}, or start as another user`,
  );
}

/** Gives `path` and everything in it to the user; nothing to do unless we are root. */
export function giveTo(user: DatabaseUser, path: string): void {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = lstatSync(path);
  if (uid === user.uid && gid === user.gid) return;
  if (lstatSync(path).isDirectory()) {
    for (const entry of readdirSync(path, { recursive: true, encoding: 'utf8' })) {
      lchownSync(join(path, entry), user.uid, user.gid);
    }
  }
  // Last, so that an interrupted change is found and repeated.
  chownSync(path, user.uid, user.gid);
}

/** The first folder above `path` that the account may not pass through, or `undefined`. */
export function blockedParent(account: Pick<Account, 'uid' | 'gid'>, path: string): string | undefined {
  const parents: string[] = [];
  for (let dir = dirname(resolve(path)); ; dir = dirname(dir)) {
    parents.unshift(dir);
    if (dir === dirname(dir)) break;
  }
  return parents.find((dir) => {
    const { mode, uid, gid } = statSync(dir);
    const bit = uid === account.uid ? 0o100 : gid === account.gid ? 0o010 : 0o001;
    return (mode & bit) === 0;
  });
}

function asOurselves(uid: number, gid: number): DatabaseUser {
  return { uid, gid, command: (file, args) => ({ file, args: [...args] }) };
}

/** `unshare` of util-linux replaces itself with the program, so the process id stays the one that was spawned. */
function namespaceUser(uid: number, gid: number, known: readonly Account[]): DatabaseUser | undefined {
  const nobody = known.find((account) => account.name === 'nobody');
  if (nobody === undefined) return undefined;
  const prefix = ['--user', `--map-user=${nobody.uid}`, `--map-group=${nobody.gid}`, '--'];
  // Many containers forbid it.
  if (spawnSync('unshare', [...prefix, 'true'], { stdio: 'ignore' }).status !== 0) return undefined;
  return { uid, gid, command: (program, args) => ({ file: 'unshare', args: [...prefix, program, ...args] }) };
}

/** Where root may not make namespaces (containers): the account, with the one right to pass closed folders. */
function capableUser({ uid, gid }: Account): DatabaseUser | undefined {
  const capability = ['--inh-caps=+dac_override', '--ambient-caps=+dac_override'];
  const prefix = [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', ...capability, '--'];
  if (spawnSync('setpriv', [...prefix, 'true'], { stdio: 'ignore' }).status !== 0) return undefined;
  return { uid, gid, command: (program, args) => ({ file: 'setpriv', args: [...prefix, program, ...args] }) };
}

function accounts(): Account[] {
  let text: string;
  try {
    text = readFileSync('/etc/passwd', 'utf8');
  } catch {
    return []; // not this kind of system
  }
  return text.split('\n').flatMap((line) => {
    const [name, , uid, gid] = line.split(':');
    return name && uid && gid ? [{ name, uid: Number(uid), gid: Number(gid) }] : [];
  });
}
