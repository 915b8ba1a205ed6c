import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Child, freePort, type Tools } from './machine.js';
import { ours } from './peers.js';

interface Report {
  readonly following: number;
  readonly received: number;
  readonly missing: number;
  readonly doubled: number;
  readonly unrecovered: number;
  readonly lowest: number;
  readonly highest: number;
  readonly back_ms: number;
}

/** Many clients that resume, in a process of their own. */
class Followers {
  private readonly child: Child;
  private readonly lines: AsyncIterator<string>;

  constructor(
    tools: Tools,
    private readonly count: number,
    ports: readonly number[],
  ) {
    const script = fileURLToPath(new URL('./followers.js', import.meta.url));
    this.child = new Child(tools, 1, [process.execPath, script, `${count}`, ports.join()]);
    this.lines = createInterface({ input: this.child.process.stdout! })[Symbol.asyncIterator]();
  }

  tell(command: 'cut' | 'quit'): void {
    this.child.process.stdin?.write(`${command}\n`);
  }

  async report(): Promise<Report> {
    this.child.process.stdin?.write('report\n');
    const { value } = await this.lines.next();
    return JSON.parse(value as string) as Report;
  }

  /** Waits until everyone follows and stands at the same message. */
  async complete(limitMs: number): Promise<Report> {
    const deadline = Date.now() + limitMs;
    for (;;) {
      const report = await this.report();
      if (report.following === this.count && report.lowest === report.highest) return report;
      if (Date.now() > deadline) return report;
      await sleep(100);
    }
  }

  async end(): Promise<void> {
    this.tell('quit');
    await this.child.end();
  }
}

const control = (port: number, uri: string): Promise<unknown> =>
  fetch(`http://127.0.0.1:${port}${uri}`).then((response) => response.json());

const verdict = (report: Report, clients: number): string =>
  report.missing + report.doubled + report.unrecovered === 0 &&
  report.following === clients &&
  report.lowest === report.highest
    ? 'nothing missing'
    : `MISSING: ${JSON.stringify(report)}`;

/** What happens when many clients, or a process, are gone at once. */
export async function resilience(tools: Tools, what: ReadonlySet<string>): Promise<void> {
  if (what.has('storm')) await storm(tools, 5_000);
  if (what.has('nodes')) await killOneOfThree(tools, 3_000);
}

/** Every client loses its connection at the same moment, while messages are published. */
async function storm(tools: Tools, clients: number): Promise<void> {
  const server = await ours(tools).start();
  const followers = new Followers(tools, clients, [server.port]);
  try {
    await followers.complete(60_000);
    await control(server.port, '/start?rate=10&burst=1');
    await sleep(2_000);
    followers.tell('cut');
    await sleep(6_000);
    await control(server.port, '/stop');
    const report = await followers.complete(20_000);
    const back = report.back_ms > 0 ? `${(report.back_ms / 1_000).toFixed(2)} s` : 'never';
    console.log(`\nreconnect storm of ${clients} clients`);
    console.log(
      `  all back and resumed after ${back} (goal ≤ 5 s); ${verdict(report, clients)} of ${report.highest} messages`,
    );
  } finally {
    await followers.end();
    await server.stop();
  }
}

/** Three processes on one Redis; the one that is killed is in the middle of it. */
async function killOneOfThree(tools: Tools, clients: number): Promise<void> {
  console.log(`\nthree processes on one Redis, ${clients} clients, one process killed`);
  if (tools.redisServer === null) {
    console.log('  not installed: redis-server');
    return;
  }
  const redisPort = await freePort();
  const redis = new Child(tools, 0, [
    tools.redisServer,
    '--port',
    `${redisPort}`,
    '--save',
    '',
    '--bind',
    '127.0.0.1',
  ]);
  await sleep(500);
  const env = { REDIS_URL: `redis://127.0.0.1:${redisPort}`, BROKER: 'redis' };
  const nodes = await Promise.all([1, 2, 3].map(() => ours(tools, env).start()));
  const followers = new Followers(
    tools,
    clients,
    nodes.map(({ port }) => port),
  );
  try {
    await followers.complete(60_000);
    await control(nodes[0]!.port, '/start?rate=20&burst=1');
    await sleep(2_000);
    process.kill(nodes[2]!.pids[0]!, 'SIGKILL');
    await sleep(6_000);
    await control(nodes[0]!.port, '/stop');
    await sleep(500);
    const report = await followers.complete(20_000);
    console.log(
      `  ${verdict(report, clients)} of ${report.highest} messages; ${report.following} clients follow`,
    );
  } finally {
    await followers.end();
    for (const node of nodes) await node.stop();
    await redis.end();
  }
}
