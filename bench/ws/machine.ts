import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  accessSync,
  constants,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { availableParallelism, tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Where the C load client, the C floor and the peers come from, when that folder stands beside the project. */
const harnessFolder = resolve('..', 'shared', 'bench', 'ws');

/** The programs of one run. What is `null` is missing on this machine. */
export interface Tools {
  readonly temp: string;
  /** C load client; without it the one in Node is used. */
  readonly wsload: string | null;
  /** The least that a C server can do: what everything is a ratio to. */
  readonly floor: string | null;
  /** The same with messages as the hub sends them: its own are shorter to read for the load client. */
  readonly floorOfOurMessages: string | null;
  /** Folder of the peers' servers. */
  readonly peers: string | null;
  readonly nginxWithNchan: string | null;
  readonly redisServer: string | null;
  /** Server on the first core, client on the second: only then are the figures the server's own. */
  readonly pins: boolean;
  /** Put before a client that must not wait for another one on its core; empty where that is not allowed. */
  readonly ahead: readonly string[];
}

export function onPath(program: string): string | null {
  for (const folder of [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']) {
    const path = join(folder, program);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not in this folder.
    }
  }
  return null;
}

/** Builds the harness into a temporary folder. */
export function prepare(): Tools {
  const temp = mkdtempSync(join(tmpdir(), 'tidewatch-ws-bench-'));
  const hasHarness = existsSync(join(harnessFolder, 'Makefile'));
  let built = false;
  if (hasHarness && onPath('make') !== null && onPath('gcc') !== null) {
    const targets = [join(temp, 'wsload'), join(temp, 'floor')];
    built = spawnSync('make', ['-s', '-C', harnessFolder, `OUT=${temp}`, ...targets]).status === 0;
  }
  const nchan = [
    '/usr/lib/nginx/modules/ngx_nchan_module.so',
    '/usr/share/nginx/modules/ngx_nchan_module.so',
  ];
  const ahead = ['chrt', '--fifo', '10'];
  return {
    temp,
    wsload: built ? join(temp, 'wsload') : null,
    floor: built ? join(temp, 'floor') : null,
    floorOfOurMessages: built ? floorWithOurMessages(temp) : null,
    peers: hasHarness ? join(harnessFolder, 'peers') : null,
    nginxWithNchan: nchan.some((path) => existsSync(path)) ? onPath('nginx') : null,
    redisServer: onPath('redis-server') ?? onPath('valkey-server'),
    pins: onPath('taskset') !== null && availableParallelism() >= 2,
    ahead: spawnSync(ahead[0]!, [...ahead.slice(1), 'true']).status === 0 ? ahead : [],
  };
}

/** The floor, its message replaced by one with the envelope of the protocol. */
function floorWithOurMessages(temp: string): string | null {
  const source = readFileSync(join(harnessFolder, 'floor.c'), 'utf8');
  const theirs = String.raw`"{\"ts\":%lld.%03ld,\"seq\":%llu,\"topic\":\"t\",\"pad\":\""`;
  const ours = String.raw`"{\"type\":\"message\",\"topic\":\"custom.t\",\"offset\":123456,\"ts\":%lld.%03ld,\"data\":{\"seq\":%llu,\"pad\":\""`;
  if (!source.includes(theirs)) return null;
  const [from, to] = [join(temp, 'floor-of-our-messages.c'), join(temp, 'floor-of-our-messages')];
  writeFileSync(from, source.replace(theirs, ours));
  return spawnSync('gcc', ['-O2', '-std=gnu11', '-o', to, from]).status === 0 ? to : null;
}

export const cleanUp = ({ temp }: Tools): void => rmSync(temp, { recursive: true, force: true });

export async function freePort(): Promise<number> {
  return new Promise((done, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => done(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

/** A child on a core of its own. Ended by its own id only. */
export class Child {
  readonly process: ChildProcess;
  private stderr = '';

  constructor(tools: Tools, core: 0 | 1, command: readonly string[], env: NodeJS.ProcessEnv = {}) {
    const [program, ...args] = tools.pins ? ['taskset', '-c', String(core), ...command] : command;
    this.process = spawn(program!, args, {
      env: { ...process.env, ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
      cwd: tools.temp,
    });
    this.process.stderr?.on('data', (chunk: Buffer) => {
      this.stderr = (this.stderr + chunk).slice(-2_000);
    });
  }

  get pid(): number {
    return this.process.pid ?? 0;
  }

  /** The processes that do the work: nginx has workers below its master. */
  get workers(): number[] {
    try {
      const children = readFileSync(`/proc/${this.pid}/task/${this.pid}/children`, 'utf8').trim();
      return children === '' ? [this.pid] : children.split(' ').map(Number);
    } catch {
      return [this.pid];
    }
  }

  /** Waits until something listens. */
  async listening(port: number): Promise<this> {
    for (let i = 0; i < 300; i++) {
      if (this.process.exitCode !== null) break;
      try {
        await fetch(`http://127.0.0.1:${port}/ready`);
        return this;
      } catch {
        await sleep(50);
      }
    }
    throw new Error(`did not start: ${this.stderr}`);
  }

  /** Everything that it prints until it ends. */
  async output(): Promise<string> {
    let text = '';
    for await (const chunk of this.process.stdout!) text += chunk;
    return text;
  }

  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const ended = new Promise((done) => this.process.once('exit', done));
    this.process.kill(signal);
    const force = setTimeout(() => this.process.kill('SIGKILL'), 3_000);
    await ended;
    clearTimeout(force);
  }
}

/** CPU seconds of processes, all threads. */
export function cpuSeconds(pids: readonly number[]): number {
  let total = 0;
  for (const pid of pids) {
    try {
      for (const thread of readdirSync(`/proc/${pid}/task`)) {
        total += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]) / 1e9;
      }
    } catch {
      // It has ended, or this is not Linux.
    }
  }
  return total;
}

/** Resident kB of processes. */
export function residentKb(pids: readonly number[]): number {
  let total = 0;
  for (const pid of pids) {
    try {
      total += Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
    } catch {
      // It has ended, or this is not Linux.
    }
  }
  return total;
}
