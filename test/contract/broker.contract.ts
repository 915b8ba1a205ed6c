import { afterEach, describe, expect, it } from '@jest/globals';
import type { Broker, BrokerListener, RepositionReason } from '../../src/broadcast/broker/broker.js';
import { defaultHistory, type HistoryOptions } from '../../src/broadcast/broker/history.js';
import type { TopicLog } from '../../src/broadcast/topic-log.js';

export interface Heard {
  readonly topic: string;
  readonly epoch: string;
  readonly offset: number;
  readonly data: unknown;
  readonly lostFrom: number | null;
}

/** A node: hears everything that its broker announces, and follows every topic. */
export class Node implements BrokerListener {
  readonly heard: Heard[] = [];
  readonly repositions: [topic: string, reason: RepositionReason, lost: number | null][] = [];
  follows: (topic: string) => boolean = () => true;

  constructor(readonly broker: Broker) {}

  async start(): Promise<this> {
    await this.broker.start(this);
    return this;
  }

  isFollowed(topic: string): boolean {
    return this.follows(topic);
  }

  onPublication(log: TopicLog, p: { offset: number; data: unknown; lostFrom: number | null }): void {
    this.heard.push({
      topic: log.name,
      epoch: log.epoch,
      offset: p.offset,
      data: p.data,
      lostFrom: p.lostFrom,
    });
  }

  onReposition(log: TopicLog, reason: RepositionReason, lost: number | null): void {
    this.repositions.push([log.name, reason, lost]);
  }

  of(topic: string): Heard[] {
    return this.heard.filter((h) => h.topic === topic);
  }

  async until(done: () => boolean, what = 'what was awaited', timeoutMs = 5_000): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    while (!done()) {
      if (Date.now() > deadline) {
        throw new Error(`${what} did not happen; heard ${JSON.stringify(this.heard.slice(-20))}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}

/** A fresh broker world; `node()` adds a process to it. A broker that knows no other processes has only one. */
export interface BrokerWorld {
  readonly manyNodes: boolean;
  node(history?: Partial<HistoryOptions>): Promise<Node>;
  end(): Promise<void>;
}

/** What every broker promises. */
export function brokerContract(name: string, makeWorld: () => Promise<BrokerWorld>): void {
  describe(`the ${name} broker`, () => {
    let world: BrokerWorld;
    const begin = async (history?: Partial<HistoryOptions>) => {
      world = await makeWorld();
      return world.node(history);
    };
    afterEach(() => world.end());
    const publish = async (node: Node, topic: string, ...data: unknown[]) =>
      node.broker.publish(data.map((d) => ({ topic, data: d })));

    it('gives offsets from 1 without holes, and announces each message once, in order', async () => {
      const node = await begin();
      await node.broker.open('custom.a');
      await node.broker.open('custom.b');
      const answers = await Promise.all(
        Array.from({ length: 50 }, (_, i) => publish(node, i % 2 ? 'custom.a' : 'custom.b', { i })),
      );
      await node.until(() => node.heard.length >= 50);
      for (const topic of ['custom.a', 'custom.b']) {
        expect(node.of(topic).map((h) => h.offset)).toEqual(Array.from({ length: 25 }, (_, i) => i + 1));
        expect(new Set(node.of(topic).map((h) => h.epoch)).size).toBe(1);
      }
      expect(node.of('custom.a').map((h) => h.data)).toEqual(
        Array.from({ length: 25 }, (_, i) => ({ i: 2 * i + 1 })),
      );
      for (const [i, [answer]] of answers.entries()) {
        expect(answer).toMatchObject({
          topic: i % 2 ? 'custom.a' : 'custom.b',
          offset: Math.floor(i / 2) + 1,
        });
      }
    });

    it('answers a call of many messages with their positions, in order', async () => {
      const node = await begin();
      const messages = Array.from({ length: 1_000 }, (_, i) => ({ topic: `custom.t${i % 3}`, data: i }));
      const answer = await node.broker.publish(messages);
      expect(answer.map((p) => [p.topic, p.offset])).toEqual(
        messages.map((m, i) => [m.topic, Math.floor(i / 3) + 1]),
      );
    });

    it('carries whatever JSON can say', async () => {
      const node = await begin();
      await node.broker.open('custom.a');
      const values = ['tab\tand\nline', 'é😀\u2028', null, [1, { a: [] }], { '': { x: 1e21 } }, 0, false, ''];
      await publish(node, 'custom.a', ...values);
      await node.until(() => node.heard.length === values.length);
      expect(node.heard.map((h) => h.data)).toEqual(values);
    });

    it('gives what was missed since a position, and says why when it cannot', async () => {
      const node = await begin({ maxMessages: 100 });
      const log = await node.broker.open('custom.a');
      for (let n = 1; n <= 40; n++) await publish(node, 'custom.a', n);
      await node.until(() => node.heard.length === 40);
      const { epoch } = log;
      const since = (offset: number, e = epoch) => ({ epoch: e, offset });
      expect(await node.broker.reach(log, since(30))).toBeUndefined();
      const missed = log.after(since(30));
      if (typeof missed === 'string') throw new Error(missed);
      expect(missed.map((p) => p.data)).toEqual([31, 32, 33, 34, 35, 36, 37, 38, 39, 40]);
      expect(await node.broker.reach(log, since(40))).toBeUndefined();
      expect(log.after(since(40))).toEqual([]);
      expect(await node.broker.reach(log, since(41))).toBe('offset_ahead');
      expect(await node.broker.reach(log, since(1, 'another'))).toBe('epoch_changed');
      await publish(node, 'custom.a', ...Array.from({ length: 1_000 }, (_, i) => i));
      await node.until(() => node.heard.length === 1_040);
      expect(await node.broker.reach(log, since(40))).toBe('history_lost');
      expect(await node.broker.reach(log, since(1_000))).toBeUndefined();
    });

    it('keeps the last message for a snapshot', async () => {
      const node = await begin();
      await publish(node, 'custom.a', 'first', 'last');
      const log = await node.broker.open('custom.a');
      expect([log.offset, log.last?.data]).toEqual([2, 'last']);
      const fresh = await node.broker.open('custom.never');
      expect([fresh.offset, fresh.last]).toEqual([0, null]);
      expect(fresh.epoch).not.toBe('');
    });

    it('knows a bounded number of topics: forgets what nobody follows, refuses what is too much', async () => {
      const node = await begin({ maxTopics: 20 });
      node.follows = (topic) => topic.startsWith('custom.kept');
      for (let i = 0; i < 20; i++) await node.broker.open(`custom.kept${i}`);
      await publish(node, 'custom.kept0', 'before');
      // Nobody follows these: they are published, and not known for long.
      for (let i = 0; i < 60; i++) await publish(node, `custom.other${i}`, i).catch(() => {});
      const names = [...node.broker.logs()].map((log) => log.name);
      expect(names.sort()).toEqual(Array.from({ length: 20 }, (_, i) => `custom.kept${i}`).sort());
      expect(
        await Promise.resolve()
          .then(() => node.broker.open('custom.more'))
          .catch((e) => e.code),
      ).toBe('TOO_MANY_TOPICS');
      expect(node.broker.givenUp.new_topic).toBeGreaterThan(0);
      await publish(node, 'custom.kept0', 'after');
      await node.until(() => node.of('custom.kept0').length === 2, 'both messages');
      expect(node.broker.historyBytes).toBe(
        [...node.broker.logs()].reduce((total, { bytes }) => total + bytes, 0),
      );
    });

    it('knows at most so many topics of a family, and says how many there are beyond', async () => {
      const first = await begin({ maxFamilyTopics: 3 });
      await first.broker.publish(Array.from({ length: 10 }, (_, i) => ({ topic: `custom.f${i}`, data: i })));
      if (!world.manyNodes) {
        expect(await first.broker.openFamily('custom.*')).toBe(0);
        return;
      }
      const late = await world.node({ maxFamilyTopics: 3 });
      expect(await late.broker.openFamily('custom.*')).toBe(7);
      expect([...late.broker.logs()].length).toBe(3);
    });

    it('knows the topics of a family', async () => {
      const node = await begin();
      await publish(node, 'prices.A', 1);
      await publish(node, 'prices.B', 2);
      await publish(node, 'custom.c', 3);
      await node.broker.openFamily('prices.*');
      const names = [...node.broker.logs()].map((log) => log.name);
      expect(names).toEqual(expect.arrayContaining(['prices.A', 'prices.B']));
      expect(node.broker.get('prices.B')?.last?.data).toBe(2);
    });

    it('is the same seen from every node, also from one that comes later', async () => {
      const one = await begin();
      if (!world.manyNodes) return;
      const two = await world.node();
      for (const node of [one, two]) await node.broker.open('custom.a');
      await Promise.all(
        Array.from({ length: 100 }, (_, i) => publish(i % 2 ? one : two, 'custom.a', { from: i % 2, i })),
      );
      for (const node of [one, two]) {
        await node.until(() => node.heard.length === 100);
        expect(node.heard.map((h) => h.offset)).toEqual(Array.from({ length: 100 }, (_, i) => i + 1));
      }
      expect(one.heard).toEqual(two.heard);
      const late = await world.node();
      const log = await late.broker.open('custom.a');
      expect(log.position).toEqual({ epoch: one.heard[0]?.epoch, offset: 100 });
      expect(await late.broker.reach(log, { epoch: log.epoch, offset: 60 })).toBeUndefined();
      const missed = log.after({ epoch: log.epoch, offset: 60 });
      if (typeof missed === 'string') throw new Error(missed);
      expect(missed.map((p) => p.data)).toEqual(one.heard.slice(60).map((h) => h.data));
      await publish(one, 'custom.a', 'new');
      await late.until(() => late.heard.length === 1);
      expect(late.heard).toMatchObject([{ offset: 101, data: 'new' }]);
    });

    it('lets clients with different positions resume at once, while the topic goes on', async () => {
      const one = await begin();
      if (!world.manyNodes) return;
      await publish(one, 'custom.a', ...Array.from({ length: 60 }, (_, i) => i + 1));
      const late = await world.node();
      const log = await late.broker.open('custom.a');
      const since = (offset: number) => ({ epoch: log.epoch, offset });
      const going = publish(one, 'custom.a', ...Array.from({ length: 60 }, (_, i) => i + 61));
      const lost = await Promise.all(
        [50, 20, 40, 5, 30].map((offset) => late.broker.reach(log, since(offset))),
      );
      expect(lost).toEqual([undefined, undefined, undefined, undefined, undefined]);
      await going;
      await late.until(() => log.offset === 120);
      const missed = log.after(since(5));
      if (typeof missed === 'string') throw new Error(missed);
      expect(missed.map((p) => p.data)).toEqual(Array.from({ length: 115 }, (_, i) => i + 6));
    });

    it('lets a client resume at a node that is a moment behind', async () => {
      const one = await begin();
      if (!world.manyNodes) return;
      const two = await world.node();
      const log = await two.broker.open('custom.a');
      const [position] = await publish(one, 'custom.a', 1);
      expect(await two.broker.reach(log, position!)).toBeUndefined();
      expect(log.after(position!)).toEqual([]);
    });

    it('hears topics of a family that begin on another node', async () => {
      const one = await begin();
      if (!world.manyNodes) return;
      const two = await world.node();
      two.follows = (topic) => topic.startsWith('prices.');
      await publish(one, 'prices.X', 1);
      await publish(one, 'custom.x', 1);
      await publish(one, 'prices.X', 2);
      await two.until(() => two.heard.length === 2);
      expect(two.heard).toMatchObject([
        { topic: 'prices.X', offset: 1 },
        { topic: 'prices.X', offset: 2 },
      ]);
    });
  });
}

export const history = (change: Partial<HistoryOptions> = {}): HistoryOptions => ({
  ...defaultHistory,
  ...change,
});
