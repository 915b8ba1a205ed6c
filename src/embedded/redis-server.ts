import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { accessSync, constants, mkdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { childEnvironment, searchPath } from '../config/environment.js';
import { StartupError } from '../startup-error.js';
import { freePort } from './free-port.js';
import { withLogFile } from './log-file.js';
import { processesIn, stopProcesses } from './process-table.js';

const programs = ['redis-server', 'valkey-server'];
const startTimeoutMs = 5_000;
const maxRestarts = 5;
const stopEscalation = [
  { signal: 'SIGTERM', graceMs: 1_000 },
  { signal: 'SIGKILL', graceMs: 500 },
] as const;

export interface RedisOptions {
  readonly dataDir: string;
  readonly databases?: number;
  readonly onEvent?: (level: 'info' | 'warn' | 'error', message: string) => void;
}

/** The Redis on this machine, or `null`. Valkey is one too. */
export function findRedis(path = searchPath()): string | null {
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
  private readonly program: string;
  private readonly options: RedisOptions;
  private readonly port: number;
  private readonly password = randomBytes(24).toString('base64url');
  private child: ChildProcess | null = null;
  private stopping = false;
  private restarts = 0;

  private constructor(program: string, options: RedisOptions, port: number) {
    this.program = program;
    this.options = options;
    this.port = port;
    this.url = `redis://:${this.password}@127.0.0.1:${port}`;
  }

  /** @throws StartupError when it does not start */
  static async start(program: string, options: RedisOptions): Promise<RedisServer> {
    const folder = join(options.dataDir, 'redis');
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    await stopProcesses([...processesIn(folder, 'redis'), ...processesIn(folder, 'valkey')], stopEscalation);
    const server = new RedisServer(program, options, await freePort());
    await server.launch();
    return server;
  }

  async stop(): Promise<void> {
    this.stopping = true;
    if (this.child?.pid !== undefined) await stopProcesses([this.child.pid], stopEscalation);
  }

  private async launch(): Promise<void> {
    const { dataDir, databases = 16 } = this.options;
    const child = withLogFile(join(dataDir, 'logs', 'redis.log'), (log) =>
      spawn(this.program, ['-'], {
        cwd: join(dataDir, 'redis'),
        detached: true,
        env: childEnvironment(),
        stdio: ['pipe', log, log],
      }),
    );
    this.child = child;
    // Over stdin: a password on the command line is readable by everyone on the machine.
    child.stdin?.on('error', () => {}); // it ended before reading; the wait below says so
    child.stdin?.end(
      [
        `port ${this.port}`,
        'bind 127.0.0.1',
        `requirepass ${this.password}`,
        `databases ${databases}`,
        'save ""',
        'appendonly no',
        'maxmemory 256mb',
        'maxmemory-policy volatile-lfu',
        'loglevel warning',
        '',
      ].join('\n'),
    );
    await this.untilReady(child);
    child.once('exit', (code, signal) => this.onDeath(signal ?? `code ${code}`));
  }

  /** Nothing durable is lost with it: started again, a bounded number of times. */
  private onDeath(how: string): void {
    if (this.stopping) return;
    const { onEvent } = this.options;
    this.restarts++;
    if (this.restarts > maxRestarts) {
      onEvent?.('error', `redis-server ended (${how}) and keeps ending; not started again`);
      return;
    }
    onEvent?.('warn', `redis-server ended (${how}); starting it again`);
    sleep(100 * 2 ** this.restarts)
      .then(() => (this.stopping ? undefined : this.launch()))
      .catch((error: unknown) => this.onDeath(error instanceof Error ? error.message : String(error)));
  }

  private async untilReady(child: ChildProcess): Promise<void> {
    let ended: string | null = null;
    child.once('error', (error) => {
      ended = error.message;
    });
    child.once('exit', (code, signal) => {
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
