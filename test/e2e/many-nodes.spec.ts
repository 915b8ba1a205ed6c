import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { type Gap, leastLoaded, TidewatchClient } from '../../src/client/index.js';
import { postgres, redisUrl } from '../harness/index.js';
import { ServerProcess } from '../harness/server-process.js';

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function until(what: string, condition: () => boolean | Promise<boolean>, timeoutMs = 20_000) {
  const end = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`${what}: not within ${timeoutMs} ms`);
    await sleep(25);
  }
}

const topic = 'custom.nodes';

/** A client that keeps what it got. */
class Follower {
  readonly got: number[] = [];
  readonly gaps: Gap[] = [];
  readonly client: TidewatchClient;
  private readonly subscription;

  constructor(nodes: readonly string[]) {
    this.client = new TidewatchClient({ url: leastLoaded(nodes), firstDelayMs: 50, maxDelayMs: 500 });
    this.subscription = this.client.subscribe(topic, {
      onMessage: (data) => this.got.push((data as { n: number }).n),
      onGap: (gap) => this.gaps.push(gap),
    });
  }

  get isFollowing(): boolean {
    return this.client.state === 'open' && this.subscription.position !== null;
  }
}

describe('several processes on one Redis', () => {
  const servers: ServerProcess[] = [];
  const folders: string[] = [];
  const followers: Follower[] = [];
  let shared: { DATABASE_URL: string; REDIS_URL: string };

  const startServer = async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tidewatch-node-'));
    folders.push(folder);
    const server = new ServerProcess({ settings: { ...shared, DATA_DIR: folder, SHUTDOWN_DRAIN_MS: '500' } });
    servers.push(server);
    return { server, url: await server.ready() };
  };
  const begin = async () => {
    shared = { DATABASE_URL: await postgres().freshDatabase(), REDIS_URL: await redisUrl() };
  };
  const nodesAt = async (url: string) => {
    const response = await fetch(`${url}/api/v1/ops/nodes`);
    return ((await response.json()) as { items: { url: string; connections: number }[] }).items;
  };
  /** @returns true when the server has acknowledged it */
  const publish = async (url: string, n: number): Promise<boolean> => {
    try {
      const response = await fetch(`${url}/api/v1/publish`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ messages: [{ topic, data: { n } }] }),
      });
      return response.ok;
    } catch {
      return false;
    }
  };
  const follow = (count: number, nodes: readonly string[]) => {
    for (let i = 0; i < count; i++) followers.push(new Follower(nodes));
    return until('everyone follows', () => followers.every((f) => f.isFollowing));
  };

  afterEach(async () => {
    for (const { client } of followers.splice(0)) client.close();
    await Promise.all(servers.splice(0).map((server) => server.stop('SIGTERM')));
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
  });

  it('spread their clients, and lose nothing when one is killed', async () => {
    await begin();
    const nodes = [await startServer(), await startServer(), await startServer()];
    const urls = nodes.map(({ url }) => url);
    await until('the nodes know each other', async () => (await nodesAt(urls[0]!)).length === 3);
    await follow(120, urls);
    // By the addresses that they were given, and by moving on from where there are too many.
    await until('the load is spread', async () => {
      const loads = (await nodesAt(urls[0]!)).map(({ connections }) => connections);
      return loads.reduce((sum, n) => sum + n, 0) === 120 && loads.every((n) => n >= 30 && n <= 48);
    });
    const acknowledged: number[] = [];
    const total = 150;
    for (let n = 0; n < total; n++) {
      if (n === total / 2) nodes[2]!.server.signal('SIGKILL');
      if (await publish(urls[n % 3]!, n)) acknowledged.push(n);
    }
    await until('everyone is back and has everything', () =>
      followers.every(({ got }) => got.at(-1) === acknowledged.at(-1)),
    );
    expect(acknowledged.length).toBeGreaterThanOrEqual((total * 5) / 6 - 1);
    for (const { got, gaps } of followers) {
      expect(gaps).toEqual([]);
      expect(new Set(got).size).toBe(got.length);
      // Published one after another, each acknowledged before the next: the order is one for all.
      expect(got).toEqual([...got].sort((a, b) => a - b));
      const have = new Set(got);
      expect(acknowledged.filter((n) => !have.has(n))).toEqual([]);
    }
    await until('the dead node is forgotten', async () => (await nodesAt(urls[0]!)).length === 2);
  }, 120_000);

  it('give clients away to a node that joins, and when one stops: nobody misses a message', async () => {
    await begin();
    const first = await startServer();
    await follow(60, [first.url]);
    const second = await startServer();
    let published = 0;
    let stopping = false;
    const publishing = (async () => {
      while (!stopping) {
        if (await publish(second.url, published)) published++;
        await sleep(10);
      }
    })();
    await until('the newcomer has its share', async () => {
      const nodes = await nodesAt(second.url);
      return nodes.length === 2 && Math.min(...nodes.map((node) => node.connections)) >= 20;
    });
    expect((await first.server.stop('SIGTERM')).code).toBe(0);
    for (const follower of followers) expect(follower.gaps).toEqual([]);
    // Clients that know only the node that is gone cannot come back; those of the newcomer have missed nothing.
    await until('the second node has clients', async () => (await nodesAt(second.url))[0]!.connections >= 20);
    stopping = true;
    await publishing;
    await sleep(300);
    const complete = followers.filter(({ got }) => got.length === published);
    expect(complete.length).toBeGreaterThanOrEqual(20);
    for (const { got } of followers) expect(got).toEqual(got.map((_, i) => i));
  }, 120_000);
});
