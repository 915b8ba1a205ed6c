import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { RedisBroker } from '../../src/broadcast/broker/redis.broker.js';
import { cuttableProxy } from '../harness/cuttable-proxy.js';
import { redisUrl } from '../harness/index.js';
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

const portOf = (url: string): number => Number(new URL(url).port);
/** The same server and database by way of a proxy. */
const through = (port: number, url: string): string => url.replace(/:\d+\//, `:${port}/`);

brokerContract('redis', () => world());

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

describe('the redis broker on a cluster', () => {
  it('uses sharded pub/sub', async () => {
    const port = await new Promise<number>((resolve) => {
      const probe = createServer().listen(0, '127.0.0.1', () => {
        const address = probe.address();
        probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
      });
    });
    const server = spawn(
      'redis-server',
      [
        '--port',
        `${port}`,
        '--cluster-enabled',
        'yes',
        '--cluster-announce-ip',
        '127.0.0.1',
        '--save',
        '',
        '--bind',
        '127.0.0.1',
        '--cluster-port',
        `${port < 50_000 ? port + 10_000 : port - 10_000}`,
        '--cluster-config-file',
        `/tmp/tidewatch-nodes-${port}.conf`,
      ],
      { stdio: 'ignore' },
    );
    const admin = new Redis(port, '127.0.0.1', { retryStrategy: () => 50, maxRetriesPerRequest: null });
    try {
      await admin.call('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
      while (!/cluster_state:ok/.test(String(await admin.call('CLUSTER', 'INFO')))) {
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      const here = await world(`redis://127.0.0.1:${port}`);
      const [one, two] = [await here.node(), await here.node()];
      await two.until(() => one.broker.state === 'ok' && two.broker.state === 'ok', 'the cluster');
      for (const node of [one, two]) await node.broker.open('custom.a');
      for (let n = 1; n <= 50; n++) {
        await one.broker.publish([
          { topic: 'custom.a', data: n },
          { topic: `custom.b${n}`, data: n },
        ]);
      }
      await two.until(() => two.of('custom.a').length === 50);
      expect(two.of('custom.a').map((h) => h.data)).toEqual(Array.from({ length: 50 }, (_, i) => i + 1));
      expect(
        Number(/cmdstat_spublish:calls=(\d+)/.exec(await admin.info('commandstats'))?.[1]),
      ).toBeGreaterThan(50);
      await here.end();
    } finally {
      admin.disconnect();
      server.kill();
    }
  }, 30_000);
});
