import { renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { pino, type StreamEntry } from 'pino';

/** The log begins anew above this size; one older file is kept. */
const maxBytes = 32 * 1024 * 1024;
const checkEveryMs = 30_000;

/** Lines of `warn` and worse, one readable line each, for the terminal in which the server was started. */
export function terminalStream(write: (text: string) => void): Writable {
  return new Writable({
    decodeStrings: false,
    write(chunk: string | Buffer, _encoding, done) {
      write(readable(String(chunk)));
      done();
    },
  });
}

/** JSON lines in `server.log`, bounded in size. */
export function fileStream(folder: string): StreamEntry['stream'] & { close(): void } {
  const path = join(folder, 'server.log');
  rotate(path);
  const destination = pino.destination({ dest: path, sync: true, mode: 0o600 });
  // A full disk must not end the server: the line is lost, the server is not.
  destination.on('error', () => {});
  const timer = setInterval(() => {
    if (rotate(path)) destination.reopen();
  }, checkEveryMs);
  timer.unref();
  return Object.assign(destination, {
    close: () => {
      clearInterval(timer);
      destination.end();
    },
  });
}

function rotate(path: string): boolean {
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) < maxBytes) return false;
  renameSync(path, `${path}.1`);
  return true;
}

const levels: Readonly<Record<number, string>> = { 40: 'warning', 50: 'error', 60: 'fatal' };

function readable(line: string): string {
  const { level, module, msg, reason, err } = JSON.parse(line) as {
    level: number;
    module?: string;
    msg?: string;
    reason?: string;
    err?: { message?: string };
  };
  const why = err?.message ?? reason;
  const text = [msg, why].filter((part) => part !== undefined && part !== '').join(': ');
  return `${levels[level] ?? level} [${module ?? 'server'}] ${text.split('\n')[0]}\n`;
}
