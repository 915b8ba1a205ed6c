import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { StartupError } from '../startup-error.js';
import { DataDir, serverOn } from './data-dir.js';
import { startTicks } from './process-table.js';

describe('DataDir', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tidewatch-dir-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const lockOf = (owner: object) => writeFileSync(join(folder, 'server.lock'), JSON.stringify(owner));

  it('is made with its parents, searchable whatever the umask is', () => {
    const before = process.umask(0o077);
    try {
      const path = join(folder, 'a/b');
      new DataDir(path);
      expect(statSync(path).mode & 0o777).toBe(0o755);
      expect(statSync(join(path, 'logs')).mode & 0o777).toBe(0o700);
    } finally {
      process.umask(before);
    }
  });

  it('refuses a folder that a living process has, and says where that serves', () => {
    lockOf({ pid: process.ppid, startTicks: startTicks(process.ppid), url: 'http://127.0.0.1:8001' });
    const lock = () => new DataDir(folder).lock(null);
    expect(lock).toThrow(StartupError);
    expect(lock).toThrow(`another server (process ${process.ppid} at http://127.0.0.1:8001) uses ${folder}`);
  });

  it('takes over from a process that is gone, and from one whose number another has got', () => {
    for (const owner of [
      { pid: 2 ** 22 + 1, startTicks: null, url: null },
      { pid: process.ppid, startTicks: '1', url: null },
    ]) {
      lockOf(owner);
      const dataDir = new DataDir(folder);
      dataDir.lock(null);
      expect(JSON.parse(readFileSync(join(folder, 'server.lock'), 'utf8'))).toMatchObject({
        pid: process.pid,
      });
      dataDir.unlock();
    }
  });

  it('takes over a lock that was damaged', () => {
    writeFileSync(join(folder, 'server.lock'), '{"pid":');
    new DataDir(folder).lock(null);
    expect(serverOn(folder)).toMatchObject({ pid: process.pid });
  });

  it('tells where the server listens, and lets go only of its own lock', () => {
    const dataDir = new DataDir(folder);
    dataDir.lock(null);
    dataDir.announce('http://127.0.0.1:1234');
    expect(serverOn(folder)).toMatchObject({ pid: process.pid, url: 'http://127.0.0.1:1234' });
    lockOf({ pid: process.ppid, startTicks: startTicks(process.ppid), url: null });
    dataDir.unlock();
    expect(serverOn(folder)).toMatchObject({ pid: process.ppid });
  });

  it('finds no server on a folder that does not exist', () => {
    expect(serverOn(join(folder, 'nothing'))).toBeNull();
  });
});
