import { describe, expect, it } from '@jest/globals';
import { Publication } from '../publication.js';
import type { TopicLog } from '../topic-log.js';
import { defaultHistory, History } from './history.js';

function makeHistory(maxTopics: number, needed: ReadonlySet<string> = new Set()) {
  const forgotten: string[] = [];
  const history = new History(
    { ...defaultHistory, maxTopics },
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
