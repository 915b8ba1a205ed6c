import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { nodeOptions } from '../../src/node-options.js';

/** dist/src, seen from dist/bench/store. */
const program = resolve(import.meta.dirname, '../../src');
const ticksPerSecond = 100;

/** The whole server as users run it, in a process of its own. */
export class BenchProcess {
  private output = '';
  private readonly child: ChildProcess;

  constructor(
    readonly dataDir: string,
    settings: Readonly<Record<string, string>> = {},
  ) {
    const { PATH = '', HOME = '/' } = process.env;
    const args = [
      ...nodeOptions(),
      '--import',
      resolve(program, 'instrumentation.js'),
      resolve(program, 'main.js'),
    ];
    this.child = spawn(process.execPath, args, {
      cwd: '/',
      env: { PATH, HOME, PORT: '0', DEMO: 'off', DATA_DIR: dataDir, ...settings },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.output += chunk;
      });
    }
  }

  /** @returns the address that the banner names */
  async ready(): Promise<string> {
    for (const end = Date.now() + 60_000; Date.now() < end; await sleep(20)) {
      const url = /Console\s+(http:\S+)/.exec(this.output)?.[1];
      if (url !== undefined) return url;
      if (this.child.exitCode !== null) break;
    }
    throw new Error(`the server did not get ready:\n${this.output}`);
  }

  async kill(signal: NodeJS.Signals): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const closed = once(this.child, 'close');
    this.child.kill(signal);
    await closed;
  }

  /** CPU that the process has used, seconds. */
  get cpuSeconds(): number {
    const fields = readFileSync(`/proc/${this.child.pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ');
    return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
  }

  /** Resident memory, bytes. */
  get rss(): number {
    const kb = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${this.child.pid}/status`, 'utf8'))?.[1];
    return Number(kb) * 1024;
  }

  get databaseUrl(): string {
    const password = readFileSync(`${this.dataDir}/secrets/postgres-password`, 'utf8').trim();
    return `postgres://tidewatch:${password}@127.0.0.1:${this.postmaster.port}/tidewatch`;
  }

  /** From PostgreSQL's own pid file. */
  get postmaster(): { readonly pid: number; readonly port: number } {
    const lines = readFileSync(`${this.dataDir}/postgres/postmaster.pid`, 'utf8').split('\n');
    return { pid: Number(lines[0]), port: Number(lines[3]) };
  }
}
