import { beforeEach, describe, expect, it } from '@jest/globals';
import { ConflateLane } from './conflate-lane.js';
import type { Job } from './job.js';
import type { LaneHost } from './lane.js';
import { LiveLane } from './live-lane.js';
import { messagePrefix, Publication } from './publication.js';
import type { Receiver } from './receiver.js';
import { Subscription, type SubscriptionOptions } from './subscription.js';

interface Message {
  readonly topic: string;
  readonly offset: number;
  readonly data?: unknown;
  readonly patch?: unknown;
  readonly skipped?: { from: number; to: number };
}

describe('a lane of a family', () => {
  let jobs: Job[] = [];
  let shed: Record<string, number> = {};
  let given: string[] = [];
  let seq = 0;
  const host: LaneHost = {
    markDirty: () => {},
    submit: (job) => jobs.push(job),
    demanded: () => {},
    skipped: () => {},
    deflated: () => {},
    decided: () => {},
    shed: (what, count) => {
      shed[what] = (shed[what] ?? 0) + count;
    },
  };
  const receiver = (blocked: boolean): Receiver => ({
    encoding: 'text',
    isOpen: true,
    subscriptions: [],
    slot: -1,
    blocked,
    skipped: 0,
    deliver: (_bytes, _messages, outgoing) => given.push(...outgoing.map(({ text }) => text)),
    gather: () => false,
    flushGathered: () => {},
    giveUp: () => given.push('given up'),
    breakOff: () => given.push('broken off'),
  });
  const options = (change: Partial<SubscriptionOptions>): SubscriptionOptions => ({
    policy: 'conflate',
    everyMs: 60_000,
    key: null,
    delta: false,
    ...change,
  });
  const publication = (topic: string, offset: number, data: unknown): Publication => {
    const made = Publication.of(topic, messagePrefix(topic), offset, 0, data);
    made.seq = ++seq;
    return made;
  };
  const sent = () =>
    jobs.splice(0).flatMap(({ outgoing }) => outgoing.map(({ text }) => JSON.parse(text) as Message));
  const long = 'a text that stays as it is and is longer than the patch';

  beforeEach(() => {
    jobs = [];
    shed = {};
    given = [];
  });

  it('keeps the bases of a bounded number of topics; where it has none the message is whole', () => {
    const lanes = [
      new LiveLane(host, 'custom.*', 'text', options({ policy: 'all', delta: true }), 2),
      new ConflateLane(host, 'custom.*', 'text', options({ delta: true }), 2),
    ];
    for (const lane of lanes) {
      shed = {};
      const say = (topic: string, offset: number) => {
        lane.accept(publication(topic, offset, { offset, long }));
        lane.announce({ topic: 'custom.none', offset: 0, text: '{}' });
        return sent()[0]!;
      };
      say('custom.a', 1);
      expect(say('custom.a', 2)).toMatchObject({ patch: { offset: 2 } });
      say('custom.b', 1);
      expect(shed).toEqual({});
      // One more than there is room for: the one that has been quiet for longest gives way.
      expect(say('custom.c', 1).data).toEqual({ offset: 1, long });
      expect(shed).toEqual({ delta_base: 1 });
      expect(say('custom.b', 2)).toMatchObject({ patch: { offset: 2 } });
      expect(say('custom.a', 3)).toEqual({ ...say('custom.a', 3), data: { offset: 3, long } });
      lane.dispose();
    }
  });

  it('sends the first message of a new subscription whole: it may not have what a patch would apply to', () => {
    const lanes = [
      new LiveLane(host, 'custom.*', 'text', options({ policy: 'all', delta: true })),
      new ConflateLane(host, 'custom.*', 'text', options({ delta: true })),
    ];
    for (const lane of lanes) {
      const say = (offset: number) => {
        lane.accept(publication('custom.a', offset, { offset, long }));
        lane.announce({ topic: 'custom.none', offset: 0, text: '{}' });
        return sent()[0]!;
      };
      say(1);
      expect(say(2)).toMatchObject({ patch: { offset: 2 } });
      lane.add(new Subscription(receiver(false), 'custom.*', lane));
      expect(say(3)).toMatchObject({ data: { offset: 3, long } });
      expect(say(4)).toMatchObject({ patch: { offset: 4 } });
      lane.dispose();
    }
  });

  it('sends before the interval is over what is more than may wait, and names no message as skipped that was sent', () => {
    const lane = new ConflateLane(host, 'custom.*', 'text', options({}), 3);
    lane.accept(publication('custom.t0', 1, 0));
    lane.seal();
    expect(sent().length).toBe(1);
    for (let i = 0; i < 4; i++) lane.accept(publication(`custom.t${i}`, i === 0 ? 2 : 1, i));
    expect(sent().map(({ topic, skipped }) => [topic, skipped])).toEqual(
      [0, 1, 2, 3].map((i) => [`custom.t${i}`, undefined]),
    );
    expect(shed).toEqual({ pause: 4 });
    lane.accept(publication('custom.t1', 2, 'left out'));
    lane.accept(publication('custom.t1', 3, 'newest'));
    lane.announce({ topic: 'custom.none', offset: 0, text: '{}' });
    expect(sent()[0]).toMatchObject({ offset: 3, skipped: { from: 2, to: 2 } });
    lane.dispose();
  });

  it('bounds what waits for a slow receiver: keys are given up and named, too many topics end it', () => {
    const keyed = new ConflateLane(host, 'custom.t', 'text', options({ key: 'k' }), 3);
    const slow = receiver(true);
    const subscription = new Subscription(slow, 'custom.t', keyed);
    keyed.add(subscription);
    for (let n = 1; n <= 6; n++) {
      keyed.accept(publication('custom.t', n, { k: n }));
      keyed.announce({ topic: 'custom.none', offset: 0, text: '{}' });
      for (const job of jobs.splice(0)) (subscription.apart ? job.serve : job.onBlocked)?.(subscription);
    }
    expect(shed).toEqual({ held_key: 3 });
    given = [];
    keyed.onDrained(subscription);
    expect(given.map((text) => (JSON.parse(text) as Message).offset)).toEqual([4, 5, 6]);
    expect(JSON.parse(given[0]!)).toMatchObject({ skipped: { from: 1, to: 3 } });
    keyed.dispose();

    given = [];
    const family = new ConflateLane(host, 'custom.*', 'text', options({}), 3);
    const lost = new Subscription(receiver(true), 'custom.*', family);
    family.add(lost);
    for (let n = 1; n <= 4; n++) {
      family.accept(publication(`custom.t${n}`, 1, n));
      family.announce({ topic: 'custom.none', offset: 0, text: '{}' });
      for (const job of jobs.splice(0)) (lost.apart ? job.serve : job.onBlocked)?.(lost);
    }
    expect(given.filter((text) => text !== '{}')).toEqual(['given up']);
    family.dispose();
  });
});
