import { describe, expect, it } from '@jest/globals';
import { LatestKeeper } from './latest-keeper.js';

describe('LatestKeeper', () => {
  it('keeps the newest value by time, then by seq, until it is taken', () => {
    const keeper = new LatestKeeper();
    expect(keeper.isKnown('A', 'm')).toBe(false);
    keeper.saw('A', 'm', 10, 1, 1);
    keeper.saw('A', 'm', 9, 2, 2);
    keeper.saw('A', 'm', 10, 3, 3);
    expect(keeper.isKnown('A', 'm')).toBe(true);
    expect(keeper.isKnown('A', 'n')).toBe(false);
    expect(keeper.take()).toEqual([{ owner: 'A', name: 'm', tsMs: 10, value: 3, seq: 3 }]);
    expect(keeper.take()).toEqual([]);
  });

  it('does not let an old value that was put back replace a newer one', () => {
    const keeper = new LatestKeeper();
    keeper.saw('A', '', 10, 1);
    const taken = keeper.take();
    keeper.putBack(taken);
    expect(keeper.take()).toEqual(taken);
    keeper.saw('A', '', 11, 2);
    keeper.putBack(taken);
    expect(keeper.take().map((v) => v.value)).toEqual([2]);
  });

  it('gives those that wait longest when not all are asked for', () => {
    const keeper = new LatestKeeper();
    for (const owner of ['C', 'A', 'B']) keeper.saw(owner, '', 1, 1);
    expect(keeper.take(2).map((v) => v.owner)).toEqual(['A', 'C']);
    keeper.saw('A', '', 2, 2);
    expect(keeper.waiting).toBe(2);
    expect(keeper.take(1).map((v) => v.owner)).toEqual(['B']);
    expect(keeper.take().map((v) => v.value)).toEqual([2]);
  });

  it('gives what has changed in the order of the keys, so that concurrent writers do not deadlock', () => {
    const keeper = new LatestKeeper();
    for (const [owner, name] of [
      ['B', 'y'],
      ['A', 'z'],
      ['B', 'x'],
    ] as const) {
      keeper.saw(owner, name, 1, 1);
    }
    expect(keeper.take().map((v) => v.owner + v.name)).toEqual(['Az', 'Bx', 'By']);
  });
});
