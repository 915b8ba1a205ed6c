import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SettingName } from '../../src/config/schema.js';
import { nodeOptions } from '../../src/node-options.js';

const root = resolve(import.meta.dirname, '../..');
const dist = resolve(root, 'dist/src');

export interface ServerOptions {
  readonly settings?: Partial<Record<SettingName, string>>;
  readonly args?: readonly string[];
  /** Arguments of Node before the program. */
  readonly nodeArgs?: readonly string[];
  readonly uid?: number;
  readonly gid?: number;
  /** Working directory; nothing of a user's is in the default. */
  readonly cwd?: string;
  /** `npm start` without npm: the bootstrap script instead of the server itself. */
  readonly bootstrap?: boolean;
}

/** A built server in a process of its own, on a free port, without the demo unless asked for. */
export class ServerProcess {
  output = '';
  private readonly child: ChildProcess;
  private readonly ended: Promise<number>;
  private exitCode: number | undefined;

  constructor({
    settings = {},
    args = [],
    nodeArgs = [],
    bootstrap = false,
    cwd = '/',
    ...identity
  }: ServerOptions) {
    const program = bootstrap
      ? [resolve(root, 'scripts/start.mjs')]
      : [...nodeOptions(), '--import', resolve(dist, 'instrumentation.js'), resolve(dist, 'main.js')];
    const { PATH = '', HOME = '/' } = process.env;
    this.child = spawn(process.execPath, [...nodeArgs, ...program, ...args], {
      cwd,
      env: { PATH, HOME, PORT: '0', DEMO: 'off', ...settings },
      stdio: ['ignore', 'pipe', 'pipe'],
      ...identity,
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.output += chunk;
      });
    }
    this.ended = once(this.child, 'close').then(([code, signal]) => {
      const exitCode: number = code ?? (signal === 'SIGKILL' ? 137 : 1);
      this.exitCode = exitCode;
      return exitCode;
    });
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** Waits for the banner. @returns the address in it */
  async ready(limitMs = 60_000): Promise<string> {
    for (const end = Date.now() + limitMs; Date.now() < end; await sleep(20)) {
      const url = /Console\s+(http:\S+)/.exec(this.output)?.[1];
      if (url !== undefined) return url;
      if (this.exitCode !== undefined) break;
    }
    throw new Error(`the server did not get ready:\n${this.output}`);
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** @returns the exit code */
  async exit(limitMs = 30_000): Promise<number> {
    const late = sleep(limitMs, undefined, { ref: false }).then(() => {
      this.child.kill('SIGKILL');
      throw new Error(`still running after ${limitMs} ms:\n${this.output}`);
    });
    return Promise.race([this.ended, late]);
  }

  /** Signals and waits. @returns exit code and how long it took */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<{ code: number; ms: number }> {
    const begun = performance.now();
    this.signal(signal);
    return { code: await this.exit(), ms: performance.now() - begun };
  }

  /** What it said, without the progress: the lines that begin with its name. */
  get complaints(): string[] {
    return this.output.split('\n').filter((line) => line.startsWith('tidewatch:'));
  }
}

/** How to reach the embedded PostgreSQL of a data folder. */
export function embeddedDatabaseUrl(dataDir: string): string {
  const password = readFileSync(`${dataDir}/secrets/postgres-password`, 'utf8').trim();
  return `postgres://tidewatch:${password}@127.0.0.1:${postmaster(dataDir).port}/tidewatch`;
}

/** Process id and port, from PostgreSQL's own pid file. */
export function postmaster(dataDir: string): { pid: number; port: number } {
  const lines = readFileSync(`${dataDir}/postgres/postmaster.pid`, 'utf8').split('\n');
  return { pid: Number(lines[0]), port: Number(lines[3]) };
}
