import { chmodSync, existsSync, mkdirSync, mkdtempSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { blockedParent } from './database-user.js';
import { explainListenError, freePort, requireFreePort } from './free-port.js';
import { restoreSymlinks } from './postgres-binaries.js';
import { isAlive, startTicks } from './process-table.js';
import { findRedis } from './redis-server.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tidewatch-embedded-'));
  chmodSync(folder, 0o755);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('the PostgreSQL of npm', () => {
  it('gets the symbolic links back that its install script would have made', () => {
    const root = join(folder, 'native');
    mkdirSync(join(root, 'lib'), { recursive: true });
    writeFileSync(join(root, 'lib', 'libx.so.60.2'), 'x');
    const links = [{ source: 'native/lib/libx.so.60.2', target: 'native/lib/libx.so.60' }];
    writeFileSync(join(root, 'pg-symlinks.json'), JSON.stringify(links));
    restoreSymlinks(root);
    expect(readlinkSync(join(root, 'lib', 'libx.so.60'))).toBe('libx.so.60.2');
    expect(existsSync(join(root, 'lib', 'libx.so.60'))).toBe(true);
    restoreSymlinks(root);
  });
});

describe('blockedParent', () => {
  const somebody = { uid: 54_321, gid: 54_321 };

  it('names the first folder on the way that the user may not pass', () => {
    mkdirSync(join(folder, 'closed/open/data'), { recursive: true });
    chmodSync(join(folder, 'closed'), 0o700);
    expect(blockedParent(somebody, join(folder, 'closed/open/data'))).toBe(join(folder, 'closed'));
  });

  it('needs no right to list a folder, only to pass it', () => {
    mkdirSync(join(folder, 'passable/data'), { recursive: true });
    chmodSync(join(folder, 'passable'), 0o711);
    expect(blockedParent(somebody, join(folder, 'passable/data'))).toBeUndefined();
  });
});

describe('the process table', () => {
  it('tells living processes from dead ones', () => {
    expect(isAlive(process.pid)).toBe(true);
    expect(isAlive(1)).toBe(true);
    expect(isAlive(2 ** 22 + 1)).toBe(false);
    expect(startTicks(process.pid)).toMatch(/^\d+$/);
    expect(startTicks(2 ** 22 + 1)).toBeNull();
  });
});

describe('ports', () => {
  it('finds one that is free, and says in words when one is not', async () => {
    const port = await freePort();
    await requireFreePort('127.0.0.1', port);
    const server = createServer().listen(port, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    await expect(requireFreePort('127.0.0.1', port)).rejects.toThrow(`port ${port} of 127.0.0.1 is in use`);
    await new Promise((resolve) => server.close(resolve));
  });

  it('explains what else keeps a server from listening', () => {
    const failed = (code: string) =>
      String(explainListenError(Object.assign(new Error(code), { code }), 'h', 80));
    expect(failed('EACCES')).toContain('PORT above 1023');
    expect(failed('EADDRNOTAVAIL')).toContain('not an address of this machine');
    expect(failed('EIO')).toContain('EIO');
  });
});

describe('findRedis', () => {
  it('takes redis-server before valkey-server, wherever on the path, and nothing that cannot be run', () => {
    const [a, b] = [join(folder, 'a'), join(folder, 'b')];
    for (const dir of [a, b]) mkdirSync(dir);
    const path = `${a}:${b}`;
    writeFileSync(join(a, 'redis-server'), '', { mode: 0o644 });
    expect(findRedis(path)).toBeNull();
    writeFileSync(join(a, 'valkey-server'), '', { mode: 0o755 });
    expect(findRedis(path)).toBe(join(a, 'valkey-server'));
    writeFileSync(join(b, 'redis-server'), '', { mode: 0o755 });
    expect(findRedis(path)).toBe(join(b, 'redis-server'));
  });
});
