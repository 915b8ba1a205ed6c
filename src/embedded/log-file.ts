import { closeSync, openSync, renameSync, statSync } from 'node:fs';

/** Above this size a log begins anew at the next start; the previous one is kept beside it as `….1`. */
const maxLogBytes = 16 * 1024 * 1024;

/** Opens a log for a child process to append to; it outlives this process, unlike a pipe. */
export function withLogFile<T>(path: string, use: (fd: number) => T): T {
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > maxLogBytes) renameSync(path, `${path}.1`);
  const fd = openSync(path, 'a', 0o600);
  try {
    return use(fd);
  } finally {
    closeSync(fd);
  }
}
