import { beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { applyMergePatch } from '../client/merge-patch.js';
import { defaultHistory, type HistoryOptions } from './broker/history.js';
import { MemoryBroker } from './broker/memory.broker.js';
import { Hub, type HubStats } from './hub.js';
import type { Joined } from './joined.js';
import type { Position } from './publication.js';
import type { Encoding, Receiver } from './receiver.js';
import type { Subscription, SubscriptionOptions } from './subscription.js';
import { type ReadyTarget, ready, type StreamHandle } from './wire/socket-writer.js';

interface Message {
  /** `joined` and `left` are the test's own marks: where a subscription that covers the topic began and ended. */
  readonly type: 'message' | 'position' | 'joined' | 'left';
  readonly topic: string;
  readonly offset: number;
  readonly data?: unknown;
  readonly patch?: unknown;
  readonly base?: number;
  readonly skipped?: { from: number; to: number };
}

/** Reads what a client would; can refuse to take anything for a while. Fan-outs write to its handle, as to a socket's. */
class FakeReceiver implements Receiver, ReadyTarget {
  readonly encoding: Encoding = 'text';
  readonly isOpen = true;
  readonly socket = null as never;
  readonly handle: StreamHandle = {
    writeBuffer: (_request, bytes) => {
      this.queue.push(bytes);
      this.writes.push(this.readAll());
      return 0;
    },
    writev: () => -1,
  };
  readonly slot = ready.enter(this);
  readonly subscriptions: Subscription[] = [];
  readonly messages: Message[] = [];
  readonly writes: number[] = [];
  skipped = 0;
  private isBlocked = false;
  private queue: Buffer[] = [];

  get blocked(): boolean {
    return this.isBlocked;
  }

  set blocked(blocked: boolean) {
    this.isBlocked = blocked;
    ready.handles[this.slot] = blocked ? null : this.handle;
  }

  block(): void {}

  onWritten(): void {}

  deliver(bytes: Buffer, messages: number): void {
    this.writes.push(messages);
    this.queue.push(bytes);
    if (!this.blocked) this.readAll();
  }

  /** Puts a mark behind all that was delivered so far. */
  mark(type: 'joined' | 'left', topic: string, offset: number): void {
    const bytes = Buffer.from(JSON.stringify({ type, topic, offset }));
    this.queue.push(Buffer.concat([Buffer.from([0x81, bytes.length]), bytes]));
    if (!this.blocked) this.readAll();
  }

  gather(bytes: Buffer): boolean {
    this.queue.push(bytes);
    return true;
  }

  failed = 0;
  breakOff(): void {
    this.failed++;
  }

  giveUp(): void {
    throw new Error('was given up');
  }

  flushGathered(): void {
    if (this.blocked || this.queue.length === 0) return;
    this.writes.push(this.queue.length);
    this.readAll();
  }

  /** @returns how many messages there were */
  private readAll(): number {
    const before = this.messages.length;
    for (const bytes of this.queue.splice(0)) this.read(bytes);
    return this.messages.length - before;
  }

  private read(bytes: Buffer): void {
    let at = 0;
    while (at < bytes.length) {
      let size = bytes[at + 1]!;
      let header = 2;
      if (size === 126) {
        size = bytes.readUInt16BE(at + 2);
        header = 4;
      }
      this.messages.push(JSON.parse(bytes.toString('utf8', at + header, at + header + size)) as Message);
      at += header + size;
    }
  }
}

const quiet: HubStats = {
  published: () => {},
  demanded: () => {},
  delivered: () => {},
  deflated: () => {},
  skipped: () => {},
  shed: () => {},
  publishFailed: (error) => {
    throw error;
  },
};

const all: SubscriptionOptions = { policy: 'all', everyMs: 0, key: null, delta: false };
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
const settle = async (hub: Hub, ms = 0) => {
  if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms));
  do await turn();
  while (hub.busy);
};

function makeHub(nowMs?: () => number, history?: Partial<HistoryOptions>): Hub {
  const broker = new MemoryBroker({ ...defaultHistory, ...history });
  const hub = new Hub(broker, { windowMs: 10, maxMessages: 1_000 }, quiet, nowMs);
  void hub.start();
  return hub;
}

async function join(hub: Hub, receiver: Receiver, topic: string, options = all): Promise<readonly Joined[]> {
  let answer: readonly Joined[] = [];
  if (topic.endsWith('.*')) {
    await hub.subscribeFamily(receiver, topic, options, new Map(), (joined) => {
      answer = joined;
    });
  } else {
    await hub.subscribe(receiver, topic, options, null, (joined) => {
      answer = [joined];
    });
  }
  return answer;
}

describe('Hub', () => {
  let hub: Hub;
  let receiver: FakeReceiver;
  beforeEach(() => {
    hub = makeHub();
    receiver = new FakeReceiver();
  });

  it('remembers the audiences of a bounded number of topics, and still delivers', async () => {
    const limits = { windowMs: 10, maxMessages: 1_000 };
    hub = new Hub(new MemoryBroker(defaultHistory), limits, quiet, undefined, 2);
    await hub.start();
    await join(hub, receiver, 'custom.a');
    for (let i = 0; i < 10; i++) {
      hub.isFollowed(`custom.asked${i}`);
      hub.publish(`custom.published${i}`, i);
      expect(hub.remembered).toBeLessThanOrEqual(2);
    }
    hub.publish('custom.a', 'still');
    await settle(hub);
    expect(receiver.messages.map(({ data }) => data)).toEqual(['still']);
  });

  it('closes those for whom a message cannot be made, and nobody else misses it', async () => {
    const errors: unknown[] = [];
    const stats: HubStats = { ...quiet, publishFailed: (error) => errors.push(error) };
    hub = new Hub(new MemoryBroker(defaultHistory), { windowMs: 10, maxMessages: 1_000 }, stats);
    await hub.start();
    const [patched, other] = [new FakeReceiver(), new FakeReceiver()];
    await join(hub, patched, 'custom.a', { ...all, delta: true });
    await join(hub, receiver, 'custom.a');
    await join(hub, other, 'custom.*');
    hub.publish('custom.a', { n: 1 });
    // It can be turned into JSON, once, and not be looked into afterwards.
    let looks = 0;
    const ownKeys = (): string[] => {
      if (looks++ > 0) throw new Error('looked into');
      return ['n'];
    };
    hub.publish('custom.a', new Proxy({ n: 2 }, { ownKeys }));
    hub.publish('custom.a', { n: 3 });
    await settle(hub);
    for (const { messages } of [receiver, other]) {
      expect(messages.map(({ data }) => data)).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
    }
    expect([patched.failed, receiver.failed, other.failed, errors.length]).toEqual([1, 0, 0, 1]);
    expect(
      hub.broker.get('custom.a')!.after({ epoch: hub.broker.get('custom.a')!.epoch, offset: 1 }),
    ).toHaveLength(2);
  });

  it('joins a burst into one write, and writes several topics of one turn at once', async () => {
    await join(hub, receiver, 'custom.a');
    await join(hub, receiver, 'custom.b');
    for (let n = 0; n < 100; n++) hub.publish('custom.a', n);
    await settle(hub);
    expect(receiver.writes).toEqual([100]);
    hub.publish('custom.a', 1);
    hub.publish('custom.b', 2);
    await settle(hub);
    expect(receiver.writes).toEqual([100, 2]);
    expect(receiver.messages).toHaveLength(102);
  });

  it('lets a lone message wait for nobody, and has no timer while idle', async () => {
    await join(hub, receiver, 'custom.a');
    hub.publish('custom.a', 1);
    await turn();
    expect(receiver.messages).toHaveLength(1);
    expect(process.getActiveResourcesInfo()).not.toContain('Immediate');
  });

  it('gathers for the rest of the window once writing takes most of it', async () => {
    // A clock by which every write of a flush takes 9 ms.
    let now = 0;
    hub = makeHub(() => (now += 4.5));
    await join(hub, receiver, 'custom.a');
    hub.publish('custom.a', 0);
    await turn();
    for (let n = 1; n <= 20; n++) {
      hub.publish('custom.a', n);
      await turn();
    }
    expect(receiver.messages.length).toBeLessThan(21);
    await settle(hub, 15);
    expect(receiver.messages.map((m) => m.data)).toEqual(Array.from({ length: 21 }, (_, n) => n));
    // One write each without the window; a busy machine sees a few windows pass.
    expect(receiver.writes.length).toBeLessThan(12);
  });

  it('does not wait for the window’s end once 1,000 messages are there', async () => {
    let now = 0;
    hub = makeHub(() => (now += 4.5));
    await join(hub, receiver, 'custom.a');
    hub.publish('custom.a', 0);
    await turn();
    for (let n = 1; n <= 1_000; n++) hub.publish('custom.a', n);
    await turn();
    await turn();
    expect(receiver.messages).toHaveLength(1_001);
  });

  it('cuts a large fan-out into slices and keeps the order of the topic', async () => {
    let now = 0;
    hub = makeHub(() => (now += 0.6));
    const receivers = Array.from({ length: 300 }, () => new FakeReceiver());
    for (const each of receivers) await join(hub, each, 'custom.a');
    hub.publish('custom.a', 0);
    let turns = 0;
    do {
      await turn();
      turns++;
      if (turns < 4) hub.publish('custom.a', turns);
    } while (hub.busy);
    expect(turns).toBeGreaterThan(4);
    for (const each of receivers) expect(each.messages.map((m) => m.data)).toEqual([0, 1, 2, 3]);
  });

  describe('a present value whose owner first does what waits', () => {
    /** Asked for a value, the owner publishes what has waited. */
    const withWaiting = (broker: MemoryBroker, waiting: (() => void)[]): Hub => {
      hub = new Hub(broker, { windowMs: 10, maxMessages: 1_000 }, quiet);
      hub.currentValue = () => {
        for (const publish of waiting.splice(0)) publish();
        return { value: 'present' };
      };
      void hub.start();
      return hub;
    };
    const subscribe = async (since: ReadonlyMap<string, Position>): Promise<Map<string, Joined>> => {
      const answer = new Map<string, Joined>();
      await hub.subscribeFamily(receiver, 'custom.*', all, since, (joined) => {
        for (const each of joined) {
          // As an answer reads them.
          for (const message of [...each.missed, each.last!]) message.text();
          answer.set(each.topic, each);
        }
      });
      return answer;
    };

    it('answers a family with what is there afterwards, once', async () => {
      let now = 0;
      const broker = new MemoryBroker(defaultHistory, () => now);
      const waiting: (() => void)[] = [];
      hub = withWaiting(broker, waiting);
      const other = new FakeReceiver();
      for (const topic of ['custom.a', 'custom.b', 'custom.c']) await join(hub, other, topic);
      hub.publish('custom.a', 'old');
      hub.publish('custom.c', 'old');
      now += defaultHistory.maxAgeMs * 2;
      // `b` has no message: its value is asked for between the other two.
      waiting.push(
        () => hub.publish('custom.a', 'new'),
        () => hub.publish('custom.c', 'new'),
      );
      const answer = await subscribe(new Map());
      await settle(hub);
      expect(answer.get('custom.a')).toMatchObject({ position: { offset: 2 }, last: { data: 'new' } });
      expect(answer.get('custom.b')).toMatchObject({ position: { offset: 0 }, last: { data: 'present' } });
      expect(answer.get('custom.c')).toMatchObject({ position: { offset: 2 }, last: { data: 'new' } });
      expect(receiver.messages).toEqual([]);
    });

    it('gives missed messages as they are afterwards, once', async () => {
      const broker = new MemoryBroker({ ...defaultHistory, maxMessages: 2 });
      const waiting: (() => void)[] = [];
      hub = withWaiting(broker, waiting);
      const other = new FakeReceiver();
      for (const topic of ['custom.a', 'custom.b', 'custom.c']) await join(hub, other, topic);
      for (const topic of ['custom.a', 'custom.c']) for (const n of [1, 2, 3]) hub.publish(topic, n);
      const since = new Map(
        ['custom.a', 'custom.b', 'custom.c'].map((topic) => {
          const { epoch } = broker.get(topic)!.position;
          return [topic, { epoch, offset: topic === 'custom.b' ? 0 : 2 }];
        }),
      );
      waiting.push(
        () => hub.publish('custom.a', 4),
        () => hub.publish('custom.c', 4),
      );
      const answer = await subscribe(since);
      await settle(hub);
      for (const topic of ['custom.a', 'custom.c']) {
        expect(answer.get(topic)).toMatchObject({ recovered: true, missed: [{ data: 3 }, { data: 4 }] });
      }
      expect(receiver.messages).toEqual([]);
    });

    it('is asked again where the topic has gone on since', async () => {
      const broker = new MemoryBroker(defaultHistory);
      let limit = 0;
      hub = new Hub(broker, { windowMs: 10, maxMessages: 1_000 }, quiet);
      hub.currentValue = (topic) => {
        // What is done for the second topic changes the first.
        if (topic === 'limits.b' && limit === 0) hub.publish('limits.a', { to: ++limit });
        return { value: limit };
      };
      void hub.start();
      for (const topic of ['limits.a', 'limits.b']) await join(hub, new FakeReceiver(), topic);
      limit = 0;
      const answer = await join(hub, receiver, 'limits.*');
      expect(answer.map(({ topic, last }) => [topic, last!.data])).toEqual([
        ['limits.a', 1],
        ['limits.b', 1],
      ]);
    });

    it('is not subscribed to by whoever could not be answered', async () => {
      await expect(
        hub.subscribe(receiver, 'custom.a', all, null, () => {
          throw new Error('cannot be written');
        }),
      ).rejects.toThrow('cannot be written');
      expect(receiver.subscriptions).toEqual([]);
      expect(hub.subscribers('custom.a')).toBe(0);
    });
  });

  it('keeps what waits for its time, or for a slow client, readable when the topic has dropped it', async () => {
    const broker = new MemoryBroker({ ...defaultHistory, maxMessages: 3 });
    hub = new Hub(broker, { windowMs: 10, maxMessages: 1_000 }, quiet);
    void hub.start();
    const options: SubscriptionOptions = { policy: 'conflate', everyMs: 30, key: 'key', delta: false };
    await join(hub, receiver, 'custom.a', options);
    const slow = new FakeReceiver();
    await join(hub, slow, 'custom.a', options);
    const publish = (key: number, text: string) => hub.publish('custom.a', { key, text: text.repeat(400) });
    for (let key = 0; key < 9; key++) publish(key, 'a');
    await settle(hub, 50);
    slow.blocked = true;
    for (let key = 0; key < 9; key++) publish(key, 'b');
    await settle(hub, 50);
    // Written over.
    for (let n = 0; n < 9; n++) publish(9, 'c');
    await settle(hub, 50);
    slow.blocked = false;
    hub.onDrained(slow);
    await settle(hub, 50);
    for (const { messages } of [receiver, slow]) {
      const got = messages.map(({ data }) => data as { key: number; text: string });
      for (let key = 0; key < 9; key++) {
        expect(got.filter((each) => each.key === key).map(({ text }) => text)).toEqual([
          'a'.repeat(400),
          'b'.repeat(400),
        ]);
      }
    }
  });

  describe('a message that nobody can miss', () => {
    const topic = 'prices.A';
    const offer = (value: number) => hub.passOver(topic) || hub.publish(topic, value);

    beforeEach(() => {
      hub.currentValue = () => ({ value: 'present' });
    });

    it('is passed over, and whoever subscribes then gets the present value and every message from there on', async () => {
      offer(1);
      for (const value of [2, 3]) offer(value);
      expect(hub.broker.get(topic)).toMatchObject({ offset: 1, last: { data: 1 } });
      const [joined] = await join(hub, receiver, topic);
      expect(joined).toMatchObject({ position: { offset: 1 }, last: { offset: 1, data: 'present' } });
      for (const value of [4, 5]) offer(value);
      await settle(hub);
      expect(receiver.messages).toMatchObject([
        { offset: 2, data: 4 },
        { offset: 3, data: 5 },
      ]);
    });

    it('is published while somebody may come back for it, and positions from before it are void', async () => {
      const limits = { windowMs: 10, maxMessages: 1_000 };
      let now = 0;
      const broker = new MemoryBroker(defaultHistory, () => now);
      hub = new Hub(broker, limits, quiet);
      hub.currentValue = () => ({ value: 'present' });
      await hub.start();
      offer(1);
      const [first] = await join(hub, receiver, topic);
      offer(2);
      hub.leave(receiver);
      offer(3);
      const back = async (since: Position) => {
        let joined: Joined | undefined;
        await hub.subscribe(receiver, topic, all, since, (answer) => {
          joined = answer;
        });
        hub.leave(receiver);
        return joined!;
      };
      const epoch = first!.position.epoch;
      expect(await back({ epoch, offset: 2 })).toMatchObject({ recovered: true, missed: [{ data: 3 }] });
      now += defaultHistory.maxAgeMs * 2;
      broker.history.sweep(now);
      offer(4);
      offer(5);
      expect(broker.get(topic)).toMatchObject({ offset: 3 });
      const late = await back({ epoch, offset: 3 });
      expect(late).toMatchObject({ recovered: false, reason: 'epoch_changed', last: { data: 'present' } });
    });

    it('is void for a position that was told while there was nothing to publish', async () => {
      offer(1);
      const [joined] = await join(hub, receiver, topic);
      hub.leave(receiver);
      offer(2);
      await hub.subscribe(receiver, topic, all, joined!.position, (answer) => {
        expect(answer).toMatchObject({ recovered: false, reason: 'epoch_changed' });
      });
      expect.assertions(1);
    });

    it('is published for who looks on', () => {
      offer(1);
      const seen: unknown[] = [];
      const end = hub.taps.add('prices.*', (event) => seen.push(event));
      offer(2);
      end();
      offer(3);
      expect(seen).toMatchObject([{ event: 'published', offset: 2, data: 2 }]);
    });
  });

  it('does not give a new subscription what its snapshot has already', async () => {
    await join(hub, receiver, 'custom.a');
    hub.publish('custom.a', 1);
    const second = new FakeReceiver();
    const [joined] = await join(hub, second, 'custom.a');
    expect(joined).toMatchObject({ position: { offset: 1 } });
    hub.publish('custom.a', 2);
    await settle(hub);
    expect(receiver.messages.map((m) => m.offset)).toEqual([1, 2]);
    expect(second.messages.map((m) => m.offset)).toEqual([2]);
  });

  it('keeps a subscription that ends in the middle of a fan-out out of the rest', async () => {
    let now = 0;
    hub = makeHub(() => (now += 0.6));
    const receivers = Array.from({ length: 200 }, () => new FakeReceiver());
    for (const each of receivers) await join(hub, each, 'custom.a');
    hub.publish('custom.a', 0);
    await turn();
    const late = receivers.at(-1)!;
    expect(late.messages).toHaveLength(0);
    hub.leave(late);
    const joined = new FakeReceiver();
    await join(hub, joined, 'custom.a');
    await settle(hub);
    expect(late.messages).toHaveLength(0);
    expect(joined.messages).toHaveLength(0);
    for (const each of receivers.slice(0, -1)) expect(each.messages).toHaveLength(1);
  });

  it('holds back from a slow conflating receiver and names all it skipped when it can take more', async () => {
    await join(hub, receiver, 'custom.a', { ...all, policy: 'conflate', everyMs: 10 });
    hub.publish('custom.a', 1);
    await settle(hub);
    receiver.blocked = true;
    for (let n = 2; n <= 9; n++) {
      hub.publish('custom.a', n);
      await settle(hub, 12);
    }
    expect(receiver.messages).toHaveLength(1);
    receiver.blocked = false;
    receiver.flushGathered();
    hub.onDrained(receiver);
    expect(receiver.messages.slice(1)).toMatchObject([{ offset: 9, skipped: { from: 2, to: 8 } }]);
    expect(receiver.skipped).toBe(7);
  });

  it('tells whoever looks on what a policy decides', async () => {
    const seen: string[] = [];
    const end = hub.taps.add('custom.*', (event) => seen.push(event.event));
    await join(hub, receiver, 'custom.a', { ...all, policy: 'conflate', everyMs: 10 });
    hub.publish('custom.a', 1);
    await settle(hub);
    receiver.blocked = true;
    hub.publish('custom.a', 2);
    await settle(hub, 12);
    receiver.blocked = false;
    hub.onDrained(receiver);
    hub.onSlow(receiver);
    end();
    hub.publish('custom.a', 3);
    await settle(hub, 12);
    expect(seen).toEqual(['published', 'delivered', 'published', 'held', 'delivered', 'caught_up', 'closed']);
  });

  it('forgets lanes and audiences that nobody uses', async () => {
    await join(hub, receiver, 'custom.a');
    await join(hub, receiver, 'custom.*', { ...all, policy: 'conflate', everyMs: 20 });
    expect(hub.topics).toBe(2);
    hub.leave(receiver);
    expect([hub.topics, hub.subscribers('custom.a'), receiver.subscriptions.length]).toEqual([0, 0, 0]);
    hub.publish('custom.a', 1);
    await settle(hub, 25);
    expect(receiver.messages).toEqual([]);
  });

  const topics = ['custom.x.a', 'custom.x.b', 'custom.y'];
  const optionsOf: fc.Arbitrary<SubscriptionOptions> = fc.constantFrom(
    all,
    { ...all, delta: true },
    { ...all, policy: 'conflate', everyMs: 2 } as const,
    { ...all, policy: 'conflate', everyMs: 2, delta: true } as const,
    { ...all, policy: 'conflate', everyMs: 2, key: 'k' } as const,
  );
  const operation = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        op: fc.constant('publish' as const),
        topic: fc.constantFrom(...topics),
        k: fc.nat(2),
        v: fc.nat(3),
        pad: fc.constantFrom(60, 60, 700, 3_000),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        op: fc.constant('join' as const),
        receiver: fc.nat(3),
        topic: fc.constantFrom(...topics, 'custom.x.*', 'custom.*'),
        options: optionsOf,
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        op: fc.constant('leave' as const),
        receiver: fc.nat(3),
        topic: fc.constantFrom(...topics, 'custom.x.*', 'custom.*'),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ op: fc.constant('block' as const), receiver: fc.nat(3), blocked: fc.boolean() }),
    },
    { weight: 2, arbitrary: fc.record({ op: fc.constant('turn' as const), ms: fc.constantFrom(0, 0, 3) }) },
  );

  // Little history: what is dropped is written over by what comes, while some still wait for it.
  const histories = fc.constantFrom<Partial<HistoryOptions>>(
    {},
    { maxMessages: 1 },
    { maxMessages: 3, maxBytes: 64 * 1024 },
    { maxBytes: 12 * 1024 },
  );

  it('gives every receiver every publication of what it follows once, whatever overlaps and whatever happens when', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(operation, { minLength: 5, maxLength: 60 }),
        histories,
        async (operations, history) => {
          let now = 0;
          let count = 0;
          // A clock by which a slice ends after a few receivers, so that much happens in the middle of a fan-out.
          const under = makeHub(() => (now += 0.4), history);
          const receivers = Array.from({ length: 4 }, () => new FakeReceiver());
          const truth = new Map<string, unknown[]>(topics.map((topic) => [topic, []]));
          const topicsOf = (name: string) => topics.filter((topic) => covers(name, topic));
          for (const step of operations) {
            if (step.op === 'publish') {
              const data = { k: step.k, v: step.v, pad: 'pqrstuvw'[count++ % 8]!.repeat(step.pad) };
              truth.get(step.topic)!.push(data);
              under.publish(step.topic, data);
            } else if (step.op === 'join') {
              const one = receivers[step.receiver]!;
              if (one.subscriptions.some((s) => s.topic === step.topic)) continue;
              const followed = topics.filter((topic) =>
                one.subscriptions.some((s) => covers(s.topic, topic)),
              );
              await join(under, one, step.topic, step.options);
              for (const topic of topicsOf(step.topic)) {
                if (!followed.includes(topic)) one.mark('joined', topic, truth.get(topic)!.length);
              }
            } else if (step.op === 'leave') {
              const one = receivers[step.receiver]!;
              const subscription = one.subscriptions.find((s) => s.topic === step.topic);
              if (subscription === undefined) continue;
              under.unsubscribe(subscription);
              for (const topic of topicsOf(step.topic)) {
                if (!one.subscriptions.some((s) => covers(s.topic, topic))) one.mark('left', topic, 0);
              }
            } else if (step.op === 'block') {
              const one = receivers[step.receiver]!;
              one.blocked = step.blocked;
              if (!step.blocked) {
                one.flushGathered();
                under.onDrained(one);
              }
            } else await settle(under, step.ms);
          }
          for (const one of receivers) {
            one.blocked = false;
            one.flushGathered();
            under.onDrained(one);
          }
          await settle(under, 6);
          await settle(under, 6);
          for (const one of receivers) check(one, truth);
          for (const one of receivers) under.leave(one);
          expect(under.topics).toBe(0);
        },
      ),
      { numRuns: 150 },
    );
  }, 60_000);

  it('hands a topic from a family to a subscription of its own and back in the middle of a fan-out', async () => {
    let now = 0;
    hub = makeHub(() => (now += 0.6));
    // The family's lane comes first in the round, then the topic's.
    const others = Array.from({ length: 200 }, () => new FakeReceiver());
    for (const each of others) await join(hub, each, 'custom.*');
    await join(hub, receiver, 'custom.*');
    for (const each of others) await join(hub, each, 'custom.a');
    await join(hub, receiver, 'custom.a');
    for (let n = 1; n <= 3; n++) hub.publish('custom.a', n);
    await turn();
    hub.unsubscribe(receiver.subscriptions.find((s) => s.topic === 'custom.a')!);
    hub.publish('custom.a', 4);
    await turn();
    await join(hub, receiver, 'custom.a');
    hub.publish('custom.a', 5);
    await settle(hub);
    expect(receiver.messages.filter((m) => m.type === 'message').map((m) => m.offset)).toEqual([
      1, 2, 3, 4, 5,
    ]);
  });

  it('does not give again, later in a fan-out, what it gave ahead of its turn', async () => {
    let now = 0;
    hub = makeHub(() => (now += 0.6));
    for (let i = 0; i < 200; i++) await join(hub, new FakeReceiver(), 'custom.*');
    await join(hub, receiver, 'custom.*');
    await join(hub, receiver, 'custom.a');
    // The first message of a topic comes with its position; this is about a job alone.
    hub.publish('custom.b', 0);
    await settle(hub);
    receiver.messages.length = 0;
    hub.publish('custom.b', 1);
    await turn();
    expect(receiver.messages).toHaveLength(0);
    hub.unsubscribe(receiver.subscriptions.find((s) => s.topic === 'custom.a')!);
    await settle(hub);
    expect(receiver.messages).toHaveLength(1);
  });
});

const covers = (name: string, topic: string): boolean =>
  name === topic || (name.endsWith('.*') && topic.startsWith(name.slice(0, -1)));

function check(receiver: FakeReceiver, truth: ReadonlyMap<string, readonly unknown[]>): void {
  const last = new Map<string, number>();
  const value = new Map<string, unknown>();
  for (const { type, topic, offset, data, patch, base, skipped } of receiver.messages) {
    if (type === 'joined') {
      last.set(topic, offset);
      value.delete(topic);
      continue;
    }
    if (type === 'left') {
      last.delete(topic);
      continue;
    }
    if (type === 'position') {
      expect([topic, offset]).toEqual([topic, 0]);
      continue;
    }
    const before = last.get(topic);
    expect([topic, before]).not.toEqual([topic, undefined]);
    expect([topic, offset, skipped]).toEqual([
      topic,
      offset,
      offset === before! + 1 ? undefined : { from: before! + 1, to: offset - 1 },
    ]);
    const published = truth.get(topic)!;
    if (patch !== undefined) expect(base).toBe(before);
    const whole =
      patch === undefined ? data : applyMergePatch(value.get(topic) ?? published[before! - 1], patch);
    expect(whole).toEqual(published[offset - 1]);
    value.set(topic, whole);
    last.set(topic, offset);
  }
  // Nothing is left behind: with a key, what is newest of one key may be older than the topic's newest, which came.
  for (const [topic, offset] of last) expect([topic, offset]).toEqual([topic, truth.get(topic)!.length]);
}
