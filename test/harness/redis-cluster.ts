import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';

export interface RedisCluster {
  /** Any of its nodes. */
  readonly url: string;
  readonly masters: readonly Redis[];
  flush(): Promise<void>;
  /** SIGSTOP: connections stay open, and nothing is answered. */
  freeze(master: number): void;
  thaw(master: number): void;
  /** SIGKILL: what it had is gone. */
  kill(master: number): Promise<void>;
  /** Starts a killed master again, empty, in its old place. */
  restart(master: number): Promise<void>;
  stop(): Promise<void>;
}

const slots = 16_384;

/** A real Redis cluster of three masters on this machine. */
export async function redisCluster(): Promise<RedisCluster> {
  const folder = mkdtempSync(join(tmpdir(), 'tidewatch-cluster-'));
  const ports = await freePorts(6);
  const processes: ChildProcess[] = [];
  const masters: Redis[] = [];
  const start = (i: number): void => {
    const options = {
      port: ports[i]!,
      'cluster-port': ports[i + 3]!,
      bind: '127.0.0.1',
      'cluster-enabled': 'yes',
      'cluster-announce-ip': '127.0.0.1',
      'cluster-config-file': `nodes-${i}.conf`,
      'cluster-node-timeout': 1_000,
      dir: folder,
      save: '',
    };
    const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, `${value}`]);
    processes[i] = spawn('redis-server', args, { stdio: 'ignore' });
  };
  for (let i = 0; i < 3; i++) {
    start(i);
    const master = new Redis(ports[i]!, '127.0.0.1', { retryStrategy: () => 50, maxRetriesPerRequest: null });
    master.on('error', () => {
      // Not there yet: it is tried again.
    });
    masters.push(master);
  }
  for (const [i, master] of masters.entries()) {
    const from = Math.floor((slots / 3) * i);
    const to = Math.floor((slots / 3) * (i + 1)) - 1;
    await master.call('CLUSTER', 'ADDSLOTSRANGE', from, i === 2 ? slots - 1 : to);
    await master.call('CLUSTER', 'SET-CONFIG-EPOCH', i + 1);
  }
  for (const other of [1, 2]) {
    await masters[0]!.call('CLUSTER', 'MEET', '127.0.0.1', ports[other]!, ports[other + 3]!);
  }
  for (const master of masters) {
    while (!(await isWhole(master))) await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return {
    url: `redis://127.0.0.1:${ports[0]}`,
    masters,
    async flush() {
      for (const master of masters) await master.flushall();
    },
    freeze: (i) => void processes[i]!.kill('SIGSTOP'),
    thaw: (i) => void processes[i]!.kill('SIGCONT'),
    kill: (i) => end(processes[i]!, 'SIGKILL'),
    async restart(i) {
      start(i);
      for (const master of masters) {
        while (!(await isWhole(master))) await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
    async stop() {
      for (const master of masters) master.disconnect();
      await Promise.all(processes.map((each) => end(each, 'SIGKILL')));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function end(server: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  const gone = new Promise<void>((resolve) => server.once('exit', () => resolve()));
  server.kill(signal);
  return gone;
}

async function isWhole(master: Redis): Promise<boolean> {
  const info = String(await master.call('CLUSTER', 'INFO'));
  return /cluster_state:ok/.test(info) && /cluster_known_nodes:3/.test(info);
}

/** Ports of loopback that nobody has now. */
export async function freePorts(count: number): Promise<number[]> {
  const probes = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    probes.map(
      (probe) =>
        new Promise<number>((resolve) => {
          probe.listen(0, '127.0.0.1', () => {
            const address = probe.address();
            resolve(typeof address === 'object' && address !== null ? address.port : 0);
          });
        }),
    ),
  );
  await Promise.all(probes.map((probe) => new Promise((resolve) => probe.close(resolve))));
  return ports;
}
