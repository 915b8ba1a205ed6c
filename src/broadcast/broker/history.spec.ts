import { describe, expect, it } from '@jest/globals';
import { Publication } from '../publication.js';
import type { TopicLog } from '../topic-log.js';
import { defaultHistory, History } from './history.js';
import { MemoryBroker } from './memory.broker.js';

function makeHistory(maxTopics: number, needed: ReadonlySet<string> = new Set(), maxBytes = 1_000_000) {
  const forgotten: string[] = [];
  const history = new History(
    { ...defaultHistory, maxTopics, maxBytes },
    { isNeeded: ({ name }) => needed.has(name), forgotten: ({ name }) => forgotten.push(name) },
  );
  const add = (log: TopicLog) =>
    history.append(log, Publication.of(log.name, log.prefix, log.offset + 1, 1_000, 'text'), true);
  return { history, forgotten, add };
}

describe('History', () => {
  it('never knows more topics than it may: the first that nobody needs makes room, and is reported', () => {
    const { history, forgotten, add } = makeHistory(3, new Set(['custom.a']));
    for (const name of ['custom.a', 'custom.b', 'custom.c', 'custom.d'])
      add(history.create(name, 'e', 1_000));
    expect([...history.values()].map((log) => log.name).sort()).toEqual(['custom.a', 'custom.c', 'custom.d']);
    expect(forgotten).toEqual(['custom.b']);
    expect(history.givenUp).toEqual({ topic: 1, new_topic: 0 });
    expect(history.evicted).toBe(1);
  });

  it('gives up made-up names before anything that has had a message', () => {
    const needed = new Set(['custom.followed']);
    const { history, forgotten, add } = makeHistory(10, needed);
    for (const name of ['limits.P1', 'custom.a']) add(history.create(name, 'e', 1_000));
    history.create('custom.followed', 'e', 1_000);
    for (let i = 0; i < 50; i++) history.create(`custom.junk${i}`, 'e', 1_000);
    const names = () => [...history.values()].map((log) => log.name);
    expect(names()).toEqual(expect.arrayContaining(['limits.P1', 'custom.a', 'custom.followed']));
    expect(forgotten).toHaveLength(43);
    // Where there is no such name left it is the turn of the others.
    for (const log of [...history.values()])
      if (log.last === null && log.name !== 'custom.followed') add(log);
    add(history.create('custom.new', 'e', 1_000));
    expect(forgotten.at(-1)).toBe('limits.P1');
  });

  it('refuses a new topic while all that it knows are needed, and counts it', () => {
    const needed = new Set(['custom.a', 'custom.b']);
    const { history, forgotten } = makeHistory(2, needed);
    for (const name of needed) history.create(name, 'e', 1_000);
    expect(() => history.create('custom.c', 'e', 1_000)).toThrow('as many topics as it may');
    expect(history.givenUp).toEqual({ topic: 0, new_topic: 1 });
    expect(forgotten).toEqual([]);
    needed.delete('custom.a');
    expect(history.create('custom.c', 'e', 1_000).name).toBe('custom.c');
  });

  it('takes no more memory than it may, last messages included', () => {
    const needed = new Set<string>();
    const { history, add, forgotten } = makeHistory(1_000, needed, 100_000);
    const say = (i: number) => {
      const log = history.get(`custom.t${i}`) ?? history.create(`custom.t${i}`, 'e', 1_000);
      add(log);
      add(log);
      return log;
    };
    const total = () => [...history.values()].reduce((sum, { bytes }) => sum + bytes, 0);
    for (let i = 0; i < 600; i++) {
      say(i);
      expect(history.usedBytes).toBeLessThanOrEqual(100_000);
      expect(history.usedBytes).toBe(total());
    }
    expect(forgotten.length).toBeGreaterThan(300);
    // Where all of them are needed they stay, and give up what they hold.
    for (const { name } of history.values()) needed.add(name);
    const kept = history.size;
    for (const name of needed) for (let n = 0; n < 20; n++) add(history.get(name)!);
    expect(history.size).toBe(kept);
    expect(history.usedBytes).toBe(total());
    expect(history.usedBytes).toBeLessThanOrEqual(100_000);
  });

  it('keeps the last message for snapshots when the ring has grown old, and counts it once', () => {
    const { history, add } = makeHistory(10);
    const log = history.create('custom.a', 'e', 1_000);
    add(log);
    const alone = log.bytes;
    for (let n = 0; n < 2; n++) add(log);
    history.sweep(1_000_000);
    expect([log.size, log.bytes, log.last?.offset, history.usedBytes]).toEqual([0, alone, 3, alone]);
    add(log);
    expect([log.size, history.usedBytes]).toEqual([1, log.bytes]);
    history.restart(log, 'f', 7);
    expect([log.size, log.bytes, log.last?.offset, history.usedBytes]).toEqual([0, alone, 4, alone]);
  });

  it('does not hold what was published beside its bytes', () => {
    const broker = new MemoryBroker(defaultHistory);
    const data = { value: 'ä' };
    broker.publish([{ topic: 'custom.a', data }]);
    const { last } = broker.get('custom.a')!;
    expect(last!.data).toEqual(data);
    expect(last!.data).not.toBe(data);
  });

  it('sweeps many topics in pieces, and everything else has its turn between them', async () => {
    const { history } = makeHistory(10_000);
    for (let n = 0; n < 2_500; n++) history.create(`custom.${n}`, 'e', 1_000);
    history.sweep(1_000_000);
    expect(history.size).toBe(1_500);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(history.size).toBe(0);
  });

  it('counts no bytes of a topic that it has forgotten, whoever still holds it', () => {
    const { history, add } = makeHistory(1);
    const old = history.create('custom.a', 'e', 1_000);
    add(old);
    const now = history.create('custom.b', 'e', 1_000);
    add(now);
    add(old);
    history.restart(old, 'f', 0);
    history.prepend(old, [Publication.of('custom.a', '', 1, 1_000, 'older')]);
    expect(history.usedBytes).toBe(now.bytes);
    expect(now.bytes).toBeGreaterThan(0);
  });
});
