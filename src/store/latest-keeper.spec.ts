import { describe, expect, it } from '@jest/globals';
import { LatestKeeper } from './latest-keeper.js';

describe('LatestKeeper', () => {
  it('keeps the newest value by time, then by seq, until it is taken', () => {
    const keeper = new LatestKeeper();
    expect(keeper.isKnown('A')).toBe(false);
    keeper.saw('A', 10, 1, 1);
    keeper.saw('A', 9, 2, 2);
    keeper.saw('A', 10, 3, 3);
    expect(keeper.isKnown('A')).toBe(true);
    const taken = keeper.take();
    expect(taken.get('A')).toEqual({ tsMs: 10, value: 3, seq: 3 });
    expect(keeper.take().size).toBe(0);
    keeper.saw('A', 11, 4, 4);
    keeper.putBack(taken);
    expect(keeper.take().get('A')?.value).toBe(4);
  });
});
