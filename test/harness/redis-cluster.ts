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
  stop(): Promise<void>;
}

const slots = 16_384;

/** A real Redis cluster of three masters on this machine. */
export async function redisCluster(): Promise<RedisCluster> {
  const folder = mkdtempSync(join(tmpdir(), 'tidewatch-cluster-'));
  const ports = await freePorts(6);
  const processes: ChildProcess[] = [];
  const masters: Redis[] = [];
  for (let i = 0; i < 3; i++) {
    const [port, bus] = [ports[i]!, ports[i + 3]!];
    processes.push(
      spawn(
        'redis-server',
        Object.entries({
          port,
          'cluster-port': bus,
          bind: '127.0.0.1',
          'cluster-enabled': 'yes',
          'cluster-announce-ip': '127.0.0.1',
          'cluster-config-file': `nodes-${i}.conf`,
          dir: folder,
          save: '',
        }).flatMap(([name, value]) => [`--${name}`, `${value}`]),
        { stdio: 'ignore' },
      ),
    );
    const master = new Redis(port, '127.0.0.1', { retryStrategy: () => 50, maxRetriesPerRequest: null });
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
    async stop() {
      for (const master of masters) master.disconnect();
      await Promise.all(
        processes.map((each) => {
          const gone = new Promise((resolve) => each.once('exit', resolve));
          each.kill();
          return gone;
        }),
      );
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function isWhole(master: Redis): Promise<boolean> {
  const info = String(await master.call('CLUSTER', 'INFO'));
  return /cluster_state:ok/.test(info) && /cluster_known_nodes:3/.test(info);
}

async function freePorts(count: number): Promise<number[]> {
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
