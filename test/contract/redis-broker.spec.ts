import { type ChildProcess, spawn } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { RedisBroker } from '../../src/broadcast/broker/redis.broker.js';
import { NodeRegistry, RedisNodeStore } from '../../src/broadcast/node-registry.js';
import { cuttableProxy } from '../harness/cuttable-proxy.js';
import { redisUrl } from '../harness/index.js';
import { freePorts, type RedisCluster, redisCluster } from '../harness/redis-cluster.js';
import { type BrokerWorld, brokerContract, history, Node } from './broker.contract.js';

interface RedisWorld extends BrokerWorld {
  readonly url: string;
  readonly events: string[];
  at(url: string, connects?: boolean): Promise<Node>;
}

async function world(url?: string): Promise<RedisWorld> {
  const address = url ?? (await redisUrl());
  const nodes: Node[] = [];
  const events: string[] = [];
  const start = async (at: string, connects: boolean, options = {}) => {
    const broker = new RedisBroker(at, history(options), {
      degraded: () => events.push('degraded'),
      recovered: () => events.push('recovered'),
    });
    const node = await new Node(broker).start();
    nodes.push(node);
    if (connects) await node.until(() => broker.state === 'ok', 'the connection to Redis');
    return node;
  };
  return {
    manyNodes: true,
    url: address,
    events,
    node: (options) => start(address, true, options),
    at: (other, connects = true) => start(other, connects),
    async end() {
      for (const node of nodes) await node.broker.stop();
    },
  };
}

/** A Redis of the test's own, to be stopped and killed. */
async function ownRedis(): Promise<{ url: string; process: ChildProcess; stop(): Promise<void> }> {
  const [port] = await freePorts(1);
  const args = ['--port', `${port}`, '--bind', '127.0.0.1', '--save', ''];
  const server = spawn('redis-server', args, { stdio: 'ignore' });
  const probe = new Redis(port!, '127.0.0.1', { retryStrategy: () => 20, maxRetriesPerRequest: null });
  probe.on('error', () => {
    // Not there yet.
  });
  await probe.ping();
  probe.disconnect();
  return {
    url: `redis://127.0.0.1:${port}`,
    process: server,
    async stop() {
      const gone = new Promise((resolve) => server.once('exit', resolve));
      server.kill('SIGKILL');
      await gone;
    },
  };
}

const portOf = (url: string): number => Number(new URL(url).port);
/** The same server and database by way of a proxy. */
const through = (port: number, url: string): string => url.replace(/:\d+\//, `:${port}/`);

brokerContract('redis', () => world());

describe('what the redis broker keeps in Redis', () => {
  it('ends: positions after a time, names with them, and no family brings a forgotten topic back', async () => {
    const here = await world();
    const redis = new Redis(here.url);
    const first = await here.node();
    first.follows = (topic) => topic === 'custom.followed';
    const meta = async (topic: string) => (await redis.keys(`*:meta:${topic}`))[0]!;
    const names = async () => {
      const shards = await redis.keys('*:topics');
      return (await Promise.all(shards.map((shard) => redis.smembers(shard)))).flat();
    };
    await first.broker.publish(['said', 'gone', 'gone.too'].map((t) => ({ topic: `custom.${t}`, data: t })));
    await first.broker.open('custom.empty');
    await first.broker.open('custom.followed');
    const [said, empty] = [
      await redis.pttl(await meta('custom.said')),
      await redis.pttl(await meta('custom.empty')),
    ];
    expect(said).toBeGreaterThan(6 * 86_400_000);
    expect(empty).toBeGreaterThan(0);
    expect(empty).toBeLessThanOrEqual(3_600_000);
    for (const key of await redis.keys('*:seen:*')) expect(await redis.pttl(key)).toBeGreaterThan(0);

    // What is followed is kept for as long as it is.
    await redis.pexpire(await meta('custom.followed'), 1_000);
    await (first.broker as RedisBroker).audit();
    expect(await redis.pttl(await meta('custom.followed'))).toBeGreaterThan(3_000_000);

    // As at the end of their time.
    for (const topic of ['custom.gone', 'custom.gone.too']) await redis.del(await meta(topic));
    const late = await here.node();
    expect(await late.broker.openFamily('custom.gone.*')).toBe(0);
    expect(late.broker.get('custom.gone.too')).toBeUndefined();
    expect((await names()).sort()).toEqual(['custom.empty', 'custom.followed', 'custom.gone', 'custom.said']);
    for (let shard = 0; shard < 16; shard++) await (late.broker as RedisBroker).trim();
    expect((await names()).sort()).toEqual(['custom.empty', 'custom.followed', 'custom.said']);
    expect(await redis.keys('*:meta:custom.gone*')).toEqual([]);

    // It may begin again, and is known again.
    await first.broker.publish([{ topic: 'custom.gone', data: 'back' }]);
    expect(await names()).toContain('custom.gone');
    redis.disconnect();
    await here.end();
  });
});

describe('nodes on one Redis', () => {
  it('know each other whatever their clocks say, and forget who is gone', async () => {
    const here = await world();
    const redis = new Redis(here.url);
    const status = (id: string, atMs: number) => ({
      id,
      url: `ws://${id}`,
      startedMs: 0,
      connections: 0,
      handshakesPerSecond: 1,
      deliveriesPerSecond: 0,
      eventLoop: 0,
      atMs,
    });
    const clocks = [0, 3_600_000, -3_600_000].map((offset) => () => Date.now() + offset);
    const exchange = async () => {
      const seen: string[][] = [];
      for (const [i, now] of clocks.entries()) {
        const store = new RedisNodeStore(() => redis, 'skewed:', now);
        seen.push((await store.exchange(status(`n${i}`, now()))).map(({ id }) => id).sort());
      }
      return seen;
    };
    await exchange();
    for (const ids of await exchange()) expect(ids).toEqual(['n0', 'n1', 'n2']);
    // As when it has not been renewed for long enough.
    await redis.del('skewed:{nodes}:n2');
    clocks.pop();
    for (const ids of await exchange()) expect(ids).toEqual(['n0', 'n1']);
    expect((await redis.zrange('skewed:{nodes}:alive', 0, -1)).sort()).toEqual(['n0', 'n1']);
    redis.disconnect();
    await here.end();
  });
});

describe('the redis broker without Redis', () => {
  const publish = (node: Node, topic: string, ...data: unknown[]) =>
    Promise.resolve(node.broker.publish(data.map((d) => ({ topic, data: d }))));

  it('goes on locally, says so, and brings both sides together again: nothing missing, nothing twice', async () => {
    const here = await world();
    const proxy = await cuttableProxy(portOf(here.url));
    const cut = await here.at(through(proxy.port, here.url));
    const other = await here.node();
    for (const node of [cut, other]) {
      await node.broker.open('custom.a');
      await node.broker.open('custom.quiet');
    }
    await publish(cut, 'custom.a', 'before');
    for (const node of [cut, other]) await node.until(() => node.heard.length === 1, 'the first message');
    proxy.away(true);
    await cut.until(() => cut.broker.state === 'degraded', 'degraded');
    const [local] = await publish(cut, 'custom.a', 'alone 1');
    await publish(cut, 'custom.a', 'alone 2');
    expect(local).toMatchObject({ offset: 1 });
    expect(cut.of('custom.a').map((h) => h.data)).toEqual(['before', 'alone 1', 'alone 2']);
    expect(cut.repositions).toEqual([['custom.a', 'degraded', 0]]);
    await publish(other, 'custom.a', 'theirs 1');
    await publish(other, 'custom.quiet', 'quiet 1');
    proxy.away(false);
    await cut.until(() => cut.broker.state === 'ok', 'recovery');
    await publish(other, 'custom.a', 'after');
    await cut.until(() => cut.heard.at(-1)?.data === 'after', 'the message after');
    await other.until(() => other.of('custom.a').length === 5, 'all at the other node');
    const data = ['before', 'alone 1', 'alone 2', 'theirs 1', 'after'];
    expect(cut.of('custom.a').map((h) => h.data)).toEqual(data);
    expect(
      other
        .of('custom.a')
        .map((h) => h.data)
        .sort(),
    ).toEqual([...data].sort());
    expect(cut.repositions).toEqual([
      ['custom.a', 'degraded', 0],
      ['custom.a', 'recovered', 0],
    ]);
    // A topic on which nothing was published here keeps its positions.
    expect(cut.of('custom.quiet')).toMatchObject([{ offset: 1, data: 'quiet 1', lostFrom: null }]);
    expect(cut.broker.get('custom.a')?.position).toEqual(other.broker.get('custom.a')?.position);
    expect(here.events).toEqual(['degraded', 'recovered']);
    await here.end();
    await proxy.stop();
  }, 20_000);

  it('names what Redis does not have any more', async () => {
    const here = await world();
    const proxy = await cuttableProxy(portOf(here.url));
    const cut = await here.at(through(proxy.port, here.url));
    const other = await here.node();
    await cut.broker.open('custom.a');
    await publish(other, 'custom.a', 1);
    await cut.until(() => cut.heard.length === 1);
    proxy.away(true);
    await publish(other, 'custom.a', 2, 3, 4);
    const redis = new Redis(here.url);
    const [key] = await redis.keys('*history:custom.a');
    await redis.del(key!);
    proxy.away(false);
    await cut.until(() => cut.broker.state === 'ok' && cut.heard.length === 2, 'recovery');
    expect(cut.heard[1]).toMatchObject({ offset: 4, data: 4, lostFrom: 2 });
    redis.disconnect();
    await here.end();
    await proxy.stop();
  }, 20_000);

  it('publishes a call once whose answer was lost', async () => {
    const here = await world();
    const proxy = await cuttableProxy(portOf(here.url));
    const cut = await here.at(through(proxy.port, here.url));
    const other = await here.node();
    for (const node of [cut, other]) await node.broker.open('custom.a');
    for (let round = 0; round < 8; round++) {
      const sent = Array.from({ length: 20 }, (_, i) => publish(cut, 'custom.a', `${round}:${i}`));
      // Somewhere in the middle of the calls.
      await new Promise((resolve) => setTimeout(resolve, round % 4));
      proxy.away(true);
      await Promise.all(sent);
      proxy.away(false);
      await cut.until(() => cut.broker.state === 'ok', 'recovery');
    }
    const all = Array.from({ length: 160 }, (_, i) => `${Math.floor(i / 20)}:${i % 20}`);
    await other.until(() => other.heard.length >= 160, 'everything at the other node');
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(other.heard.map((h) => h.data)).toEqual(all);
    expect(cut.heard.map((h) => h.data)).toEqual(all);
    await here.end();
    await proxy.stop();
  }, 40_000);

  it('notices a Redis that does not answer, and one that has lost everything', async () => {
    const here = await world();
    const proxy = await cuttableProxy(portOf(here.url));
    const node = await here.at(through(proxy.port, here.url));
    await node.broker.open('custom.a');
    await publish(node, 'custom.a', 1);
    proxy.silent(true);
    const answer = publish(node, 'custom.a', 2);
    await node.until(() => node.broker.state === 'degraded', 'the time-out', 4_000);
    expect(await answer).toMatchObject([{ offset: 1 }]);
    const redis = new Redis(here.url);
    await redis.flushdb();
    proxy.silent(false);
    await node.until(() => node.broker.state === 'ok', 'recovery');
    await publish(node, 'custom.a', 3);
    await node.until(() => node.heard.length === 3);
    expect(node.heard.map((h) => h.data)).toEqual([1, 2, 3]);
    expect(node.repositions).toEqual([
      ['custom.a', 'degraded', 0],
      ['custom.a', 'recovered', null],
    ]);
    redis.disconnect();
    await here.end();
    await proxy.stop();
  }, 20_000);

  it('holds nobody up while Redis is frozen: the first call for a moment, the others not at all', async () => {
    const here = await world();
    const server = await ownRedis();
    const node = await here.at(server.url);
    await node.broker.open('custom.a');
    await publish(node, 'custom.a', 'before');
    server.process.kill('SIGSTOP');
    const begun = performance.now();
    await publish(node, 'custom.a', 'first');
    expect(performance.now() - begun).toBeLessThan(2_000);
    expect(node.broker.state).toBe('degraded');
    // For longer than it takes to try again.
    let longest = 0;
    for (let n = 0; n < 60; n++) {
      const from = performance.now();
      await publish(node, `custom.${n % 2 ? 'a' : `new${n}`}`, n);
      await node.broker.open(`custom.opened${n}`);
      longest = Math.max(longest, performance.now() - from);
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    // A call that waits for Redis takes 250 ms.
    expect(longest).toBeLessThan(240);
    expect(node.of('custom.a').map((h) => h.data)).toEqual([
      'before',
      'first',
      ...Array.from({ length: 30 }, (_, i) => 2 * i + 1),
    ]);
    server.process.kill('SIGCONT');
    await node.until(() => node.broker.state === 'ok', 'recovery');
    const other = await here.at(server.url);
    // Everything has reached Redis, once.
    expect((await other.broker.open('custom.a')).offset).toBe(32);
    await publish(other, 'custom.a', 'after');
    await node.until(() => node.of('custom.a').at(-1)?.data === 'after', 'the message after');
    expect(node.of('custom.a')).toHaveLength(33);
    await here.end();
    await server.stop();
  }, 20_000);

  it('starts without Redis and joins it when it comes', async () => {
    const here = await world();
    const proxy = await cuttableProxy(portOf(here.url));
    const url = through(proxy.port, here.url);
    proxy.away(true);
    const node = await here.at(url, false);
    const log = await node.broker.open('custom.a');
    await publish(node, 'custom.a', 'early');
    expect(node.heard).toMatchObject([{ offset: 1, data: 'early' }]);
    proxy.away(false);
    await node.until(() => node.broker.state === 'ok', 'the first contact');
    const other = await here.node();
    expect((await other.broker.open('custom.a')).last?.data).toBe('early');
    expect(log.position).toEqual(other.broker.get('custom.a')?.position);
    await here.end();
    await proxy.stop();
  }, 20_000);
});

describe('on a cluster of three masters', () => {
  let cluster: RedisCluster;
  const registries: NodeRegistry[] = [];
  beforeAll(async () => {
    cluster = await redisCluster();
  }, 30_000);
  afterAll(() => cluster.stop());

  brokerContract('redis', async () => {
    await cluster.flush();
    return world(cluster.url);
  });

  it('spreads topics over the masters and announces on the shard that has them', async () => {
    await cluster.flush();
    const before = await published(cluster);
    const here = await world(cluster.url);
    const [one, two] = [await here.node(), await here.node()];
    const topics = Array.from({ length: 64 }, (_, i) => `custom.t${i}`);
    for (const topic of topics) await two.broker.open(topic);
    await one.broker.publish(topics.map((topic) => ({ topic, data: topic })));
    await two.until(() => two.heard.length === topics.length, 'every topic');
    expect(two.heard.map((h) => h.data).sort()).toEqual([...topics].sort());
    const after = await published(cluster);
    for (const [i, calls] of after.entries()) expect(calls.spublish).toBeGreaterThan(before[i]!.spublish);
    expect(after.map((calls) => calls.publish)).toEqual([0, 0, 0]);
    for (const master of cluster.masters) expect(await master.dbsize()).toBeGreaterThan(0);
    await here.end();
  });

  it.each(['frozen', 'killed'] as const)(
    'goes on locally while a master is %s, and brings all together when it is back',
    async (how) => {
      await cluster.flush();
      const here = await world(cluster.url);
      const [one, two] = [await here.node(), await here.node()];
      const topics = Array.from({ length: 32 }, (_, i) => `custom.t${i}`);
      for (const node of [one, two]) for (const topic of topics) await node.broker.open(topic);
      const publish = async (data: string) => one.broker.publish(topics.map((topic) => ({ topic, data })));
      const isWhole = (node: Node, count: number) =>
        topics.every((topic) => new Set(node.of(topic).map((h) => h.data)).size === count);
      await publish('before');
      await two.until(() => isWhole(two, 1), 'the first messages');
      if (how === 'frozen') cluster.freeze(1);
      else await cluster.kill(1);
      const begun = performance.now();
      await publish('alone 1');
      expect(performance.now() - begun).toBeLessThan(3_000);
      await one.until(() => one.broker.state === 'degraded', 'degraded');
      const again = performance.now();
      await publish('alone 2');
      expect(performance.now() - again).toBeLessThan(1_000);
      expect(isWhole(one, 3)).toBe(true);
      if (how === 'frozen') cluster.thaw(1);
      else await cluster.restart(1);
      for (const node of [one, two]) {
        await node.until(() => node.broker.state === 'ok', 'recovery', 15_000);
        await node.until(() => isWhole(node, 3), 'everything', 10_000);
      }
      await publish('after');
      for (const node of [one, two]) {
        await node.until(() => isWhole(node, 4), 'the messages after');
        for (const topic of topics) {
          expect(node.of(topic).map((h) => h.data)).toEqual(['before', 'alone 1', 'alone 2', 'after']);
        }
      }
      await here.end();
    },
    40_000,
  );

  it('lets the nodes find each other', async () => {
    await cluster.flush();
    const here = await world(cluster.url);
    for (let i = 0; i < 2; i++) {
      const { broker } = await here.node();
      const store = new RedisNodeStore(() => (broker as RedisBroker).redis, 'tidewatch:0:');
      registries.push(
        new NodeRegistry(
          store,
          (id) => ({
            id,
            url: `ws://${i}`,
            startedMs: 0,
            connections: i,
            handshakesPerSecond: 1,
            deliveriesPerSecond: 0,
            eventLoop: 0,
            atMs: Date.now(),
          }),
          () => {},
        ),
      );
    }
    for (const registry of [...registries, ...registries]) await registry.beat();
    for (const registry of registries)
      expect(registry.nodes.map((n) => n.url).sort()).toEqual(['ws://0', 'ws://1']);
    expect(registries[1]!.leastLoaded()?.url).toBe('ws://0');
    await registries[0]!.leave();
    await registries[1]!.beat();
    expect(registries[1]!.nodes.map((n) => n.url)).toEqual(['ws://1']);
    await here.end();
  });
});

/** How often each master was asked to publish. */
const published = ({ masters }: RedisCluster) =>
  Promise.all(
    masters.map(async (master) => {
      const stats = await master.info('commandstats');
      const calls = (name: string) =>
        Number(new RegExp(`cmdstat_${name}:calls=(\\d+)`).exec(stats)?.[1] ?? 0);
      return { publish: calls('publish'), spublish: calls('spublish') };
    }),
  );
