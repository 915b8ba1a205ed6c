import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { blockedParent } from '../../src/embedded/database-user.js';
import { isAlive, processesIn } from '../../src/embedded/process-table.js';
import { embeddedDatabaseUrl, postmaster, type ServerOptions, ServerProcess } from '../harness/index.js';

let made: string;
let dataDir: string;
let servers: ServerProcess[];

const newFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'tidewatch-e2e-'));
  chmodSync(folder, 0o755);
  return folder;
};

beforeAll(async () => {
  made = newFolder();
  const server = new ServerProcess({ settings: { DATA_DIR: made } });
  await server.ready();
  await server.stop();
});
afterAll(() => rmSync(made, { recursive: true, force: true }));

beforeEach(() => {
  dataDir = newFolder();
  servers = [];
});

afterEach(async () => {
  for (const server of servers) {
    server.signal('SIGTERM');
    await server.exit();
  }
  // What a killed server left behind.
  for (const pid of processesIn(join(dataDir, 'postgres'), 'postgres')) process.kill(pid, 'SIGKILL');
  for (const pid of processesIn(join(dataDir, 'redis'), 'redis')) process.kill(pid, 'SIGKILL');
  rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 });
});

function start(options: ServerOptions = {}): ServerProcess {
  const server = new ServerProcess({ ...options, settings: { DATA_DIR: dataDir, ...options.settings } });
  servers.push(server);
  return server;
}

/** On the database of a server that was started before and stopped in order, for what is not about a first start. */
function startAgain(options: ServerOptions = {}): ServerProcess {
  execFileSync('cp', ['-a', join(made, 'postgres'), join(made, 'secrets'), dataDir]);
  return start(options);
}

async function query(sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: embeddedDatabaseUrl(dataDir) });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

const status = (url: string) =>
  fetch(`${url}/health/ready`).then(
    (response) => response.status,
    () => 0,
  );

async function until(
  what: string,
  condition: () => Promise<boolean> | boolean,
  limitMs = 15_000,
): Promise<void> {
  for (const end = Date.now() + limitMs; Date.now() < end; await sleep(50)) if (await condition()) return;
  throw new Error(`${what}: not within ${limitMs} ms`);
}

/** The start ends with exit code 1 and one line for the operator. */
async function refused(server: ServerProcess): Promise<string> {
  expect(await server.exit()).toBe(1);
  expect(server.complaints).toHaveLength(1);
  expect(server.output).not.toMatch(/\n\s+at /);
  return server.complaints[0] ?? '';
}

describe('a start', () => {
  it('says where the console is, what is embedded and how to stop, and works again on what it made', async () => {
    const first = start();
    await first.ready();
    expect(first.output).toContain('embedded PostgreSQL');
    expect(first.output).toContain('private redis-server');
    expect(first.output).toMatch(/Ctrl-C/);
    expect(first.output).not.toMatch(/warn|npm/i);
    await first.stop();
    expect(await status(await start().ready())).toBe(200);
  });

  it('runs PostgreSQL under a user that is not root', async () => {
    await startAgain().ready();
    const { pid } = postmaster(dataDir);
    const [, uid] = /^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    const [firstInside] = readFileSync(`/proc/${pid}/uid_map`, 'utf8').trim().split(/\s+/);
    expect(uid === '0' && firstInside === '0').toBe(false);
  });

  it('works for a user who is not root', async () => {
    const nobody = { uid: 65534, gid: 65534 };
    const mayEnter = blockedParent(nobody, import.meta.filename) === undefined;
    // Without privileges every test here runs as such a user anyway.
    const identity = process.getuid?.() === 0 && mayEnter ? nobody : {};
    if ('uid' in identity) chownSync(dataDir, nobody.uid, nobody.gid);
    const server = start(identity);
    expect(await status(await server.ready())).toBe(200);
    expect((await server.stop()).code).toBe(0);
  });
});

describe('a stop', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)(
    'on %s ends with 0 within 10 s and leaves nothing behind',
    async (signal) => {
      const server = startAgain();
      await server.ready();
      const { pid } = postmaster(dataDir);
      const { code, ms } = await server.stop(signal);
      expect(code).toBe(0);
      expect(ms).toBeLessThan(10_000);
      expect(isAlive(pid)).toBe(false);
      expect(existsSync(join(dataDir, 'server.lock'))).toBe(false);
      expect(readFileSync(join(dataDir, 'logs/postgres.log'), 'utf8')).toContain(
        'database system is shut down',
      );
    },
  );

  it('takes the two signals that one Ctrl-C sends as one', async () => {
    const server = startAgain({ bootstrap: true });
    await server.ready();
    server.signal('SIGINT');
    server.signal('SIGINT');
    expect(await server.exit()).toBe(0);
    expect(readFileSync(join(dataDir, 'logs/postgres.log'), 'utf8')).toContain(
      'database system is shut down',
    );
  });

  it('while still starting leaves nothing behind', async () => {
    const server = start();
    await until('initdb', () => server.output.includes('creating the database'));
    expect((await server.stop()).code).toBe(0);
    await until('no process', () => processesIn(join(dataDir, 'postgres'), 'postgres').length === 0);
    expect(await status(await start().ready())).toBe(200);
  });
});

describe('after a crash', () => {
  it('of the server, the next start takes the folder over, stops the orphan and has every commit', async () => {
    const first = startAgain();
    await first.ready();
    await query('CREATE TABLE witness (n int); INSERT INTO witness VALUES (42)');
    const orphan = postmaster(dataDir).pid;
    first.signal('SIGKILL');
    await first.exit();
    expect(isAlive(orphan)).toBe(true);
    const second = start();
    await second.ready();
    expect(isAlive(orphan)).toBe(false);
    expect(await query('SELECT n FROM witness')).toEqual([{ n: 42 }]);
  });

  it('of server and PostgreSQL together, too, although a foreign process has got the number in the pid file', async () => {
    const first = startAgain();
    await first.ready();
    await query('CREATE TABLE witness (n int); INSERT INTO witness VALUES (42)');
    const orphan = postmaster(dataDir).pid;
    first.signal('SIGKILL');
    process.kill(orphan, 'SIGKILL');
    await first.exit();
    const file = join(dataDir, 'postgres/postmaster.pid');
    writeFileSync(file, readFileSync(file, 'utf8').replace(/^\d+/, String(process.pid)));
    await start().ready();
    expect(await query('SELECT n FROM witness')).toEqual([{ n: 42 }]);
  });

  it('of PostgreSQL alone, the server starts it again and is ready again', async () => {
    const server = startAgain();
    const url = await server.ready();
    await query('CREATE TABLE witness (n int); INSERT INTO witness VALUES (42)');
    const { pid } = postmaster(dataDir);
    process.kill(pid, 'SIGKILL');
    const another = () =>
      existsSync(join(dataDir, 'postgres/postmaster.pid')) && postmaster(dataDir).pid !== pid;
    await until('a new PostgreSQL', another);
    await until('the data', () =>
      query('SELECT n FROM witness').then(
        (rows) => rows.length === 1,
        () => false,
      ),
    );
    await until('ready again', async () => (await status(url)) === 200);
    expect((await server.stop()).code).toBe(0);
  });

  it('of the private Redis, the server stays ready, says degraded and starts it again', async () => {
    const server = startAgain();
    const url = await server.ready();
    const redis = () => processesIn(join(dataDir, 'redis'), 'redis');
    const [before] = redis();
    process.kill(before ?? 0, 'SIGKILL');
    await until('another redis-server', () => redis().some((pid) => pid !== before));
    expect(await status(url)).toBe(200);
    const health = () =>
      fetch(`${url}/health`).then((response) => response.json() as Promise<{ status: string }>);
    await until('well again', async () => (await health()).status === 'ok');
  });
});

describe('a start is refused, in one line', () => {
  let occupied: Server | undefined;
  afterEach(() => void occupied?.close());

  it('on a folder that another server uses, which is not disturbed', async () => {
    const first = startAgain();
    const url = await first.ready();
    expect(await refused(start())).toMatch(new RegExp(`another server \\(process ${first.pid}.*${dataDir}`));
    expect(await status(url)).toBe(200);
  });

  it('on a port in use, and nothing is left running', async () => {
    occupied = createServer().listen(0, '127.0.0.1');
    await until('listening', () => occupied?.listening === true);
    const address = occupied.address();
    const port = String(typeof address === 'object' ? address?.port : 0);
    expect(await refused(start({ settings: { PORT: port } }))).toMatch(`port ${port} of 127.0.0.1 is in use`);
    expect(processesIn(join(dataDir, 'postgres'), 'postgres')).toEqual([]);
  });

  it('with a folder that cannot be written', async () => {
    const file = join(dataDir, 'file');
    writeFileSync(file, '');
    expect(await refused(start({ settings: { DATA_DIR: file } }))).toMatch(`cannot write ${file}`);
    expect(await refused(start({ settings: { DATA_DIR: '/proc/tidewatch' } }))).toMatch(
      'cannot write /proc/tidewatch',
    );
  });

  it('on a full disk', async () => {
    const nodeArgs = ['--import', join(import.meta.dirname, '../harness/full-disk.mjs')];
    const server = start({ nodeArgs, settings: { FULL_DISK: dataDir } as ServerOptions['settings'] });
    expect(await refused(server)).toBe(`tidewatch: cannot write ${dataDir}: no space left on the disk`);
  });

  it('with wrong settings, all named', async () => {
    const line = await refused(start({ settings: { PORT: '70000', LOG_LEVEL: 'loud', DEMO: 'maybe' } }));
    for (const name of ['PORT', 'LOG_LEVEL', 'DEMO']) expect(line).toContain(`${name}: `);
  });

  it('with a settings file that has an unknown name or does not exist', async () => {
    const file = join(dataDir, 'settings.env');
    writeFileSync(file, 'PROT=8001\n');
    expect(await refused(start({ args: ['--config', file] }))).toMatch(
      'PROT is not a setting; did you mean PORT?',
    );
    expect(await refused(start({ args: ['--config', `${file}.not`] }))).toMatch(
      'cannot read the settings file',
    );
  });

  it('openly on an address that others can reach', async () => {
    expect(await refused(start({ settings: { HOST: '0.0.0.0' } }))).toMatch('not a loopback address');
  });
});
