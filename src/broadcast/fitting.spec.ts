import { beforeEach, describe, expect, it } from '@jest/globals';
import { fitting } from './fitting.js';
import type { Joined } from './joined.js';
import { Publication } from './publication.js';

const joined = (topic: string, ...sizes: number[]): Joined => ({
  topic,
  position: { epoch: 'e', offset: sizes.length },
  recovered: true,
  reason: undefined,
  missed: sizes.map((size, i) => Publication.of(topic, '', i + 1, 0, 'x'.repeat(size))),
  last: null,
  emptyReason: undefined,
});

describe('fitting', () => {
  let shed: [string, number][] = [];
  const host = { shed: (what: string, count: number) => shed.push([what, count]) };
  beforeEach(() => {
    shed = [];
  });

  it('gives missed messages as long as there is room, topic by topic, and says where there is none', () => {
    const all = [joined('a', 400, 400), joined('b', 4_000), joined('c'), joined('d', 500)];
    expect(fitting(all, 2_000, host).map((j) => [j.topic, j.recovered, j.reason, j.missed.length])).toEqual([
      ['a', true, undefined, 2],
      ['b', false, 'too_much_missed', 0],
      ['c', true, undefined, 0],
      ['d', true, undefined, 1],
    ]);
    expect(shed).toEqual([['missed', 1]]);
    expect(fitting(all, 1_500, host).map((j) => j.recovered)).toEqual([true, false, true, false]);
  });

  it('gives snapshots as long as there is room, and says where there is none', () => {
    const last = (size: number) => Publication.of('t', '', 1, 0, 'x'.repeat(size));
    const all = [500, 4_000, 300].map((size) => ({ ...joined('t'), last: last(size) }));
    expect(fitting(all, 0, host, 1_000).map((j) => [j.last?.body.length, j.emptyReason])).toEqual([
      [502, undefined],
      [undefined, 'too_much'],
      [302, undefined],
    ]);
    expect(shed).toEqual([['snapshot', 1]]);
  });
});
