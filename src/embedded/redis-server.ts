import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { accessSync, constants, mkdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { StartupError } from '../startup-error.js';
import { freePort } from './free-port.js';
import { withLogFile } from './log-file.js';
import { processesIn, stopProcesses } from './process-table.js';

const programs = ['redis-server', 'valkey-server'];
const startTimeoutMs = 5_000;

export interface RedisOptions {
  readonly dataDir: string;
  readonly databases?: number;
  readonly onEvent?: (level: 'info' | 'warn' | 'error', message: string) => void;
}

/** The Redis on this machine, or `null`. Valkey is one too. */
export function findRedis(path = process.env.PATH ?? ''): string | null {
  for (const program of programs) {
    for (const dir of path.split(delimiter).filter(Boolean)) {
      try {
        accessSync(join(dir, program), constants.X_OK);
        return join(dir, program);
      } catch {
        // not in this folder
      }
    }
  }
  return null;
}

/** A Redis of our own: loopback, with a password, nothing on disk, memory bounded, gone with this process's end. */
export class RedisServer {
  readonly url: string;
  private readonly child: ChildProcess;

  private constructor(url: string, child: ChildProcess) {
    this.url = url;
    this.child = child;
  }

  /** @throws StartupError when it does not start */
  static async start(program: string, options: RedisOptions): Promise<RedisServer> {
    const folder = join(options.dataDir, 'redis');
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    await stopProcesses(
      [...processesIn(folder, 'redis'), ...processesIn(folder, 'valkey')],
      [
        { signal: 'SIGTERM', graceMs: 1_000 },
        { signal: 'SIGKILL', graceMs: 1_000 },
      ],
    );
    const port = await freePort();
    const password = randomBytes(24).toString('base64url');
    const child = withLogFile(join(options.dataDir, 'logs', 'redis.log'), (log) =>
      spawn(program, ['-'], { cwd: folder, detached: true, stdio: ['pipe', log, log] }),
    );
    // Over stdin: a password on the command line is readable by everyone on the machine.
    child.stdin?.on('error', () => {}); // it ended before reading; the wait below says so
    child.stdin?.end(
      [
        `port ${port}`,
        'bind 127.0.0.1',
        `requirepass ${password}`,
        `databases ${options.databases ?? 16}`,
        'save ""',
        'appendonly no',
        'maxmemory 256mb',
        'maxmemory-policy volatile-lfu',
        'loglevel warning',
        '',
      ].join('\n'),
    );
    const server = new RedisServer(`redis://:${password}@127.0.0.1:${port}`, child);
    await server.untilReady();
    child.once('exit', (code, signal) =>
      options.onEvent?.('warn', `redis-server ended (${signal ?? `code ${code}`})`),
    );
    return server;
  }

  async stop(): Promise<void> {
    this.child.removeAllListeners('exit');
    if (this.child.pid === undefined) return;
    await stopProcesses(
      [this.child.pid],
      [
        { signal: 'SIGTERM', graceMs: 1_000 },
        { signal: 'SIGKILL', graceMs: 500 },
      ],
    );
  }

  private async untilReady(): Promise<void> {
    let ended: string | null = null;
    this.child.once('error', (error) => {
      ended = error.message;
    });
    this.child.once('exit', (code, signal) => {
      ended = signal ?? `code ${code}`;
    });
    const client = new Redis(this.url, { lazyConnect: true, retryStrategy: null, maxRetriesPerRequest: 0 });
    client.on('error', () => {}); // refused until it listens
    try {
      for (const end = Date.now() + startTimeoutMs; Date.now() < end; await sleep(10)) {
        if (ended !== null) throw new StartupError(`redis-server did not start (${ended})`);
        if (
          await client.connect().then(
            () => true,
            () => false,
          )
        )
          return;
      }
      throw new StartupError(`redis-server was not ready within ${startTimeoutMs / 1000} s`);
    } finally {
      client.disconnect();
    }
  }
}
