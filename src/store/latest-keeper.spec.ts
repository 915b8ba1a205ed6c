import { describe, expect, it } from '@jest/globals';
import { LatestKeeper, type LatestValue } from './latest-keeper.js';

/** What a flush writes. */
async function flushed(keeper: LatestKeeper, atMost?: number): Promise<LatestValue[]> {
  const written: LatestValue[] = [];
  await keeper.flush(async (values) => written.push(...values), atMost);
  return written;
}

describe('LatestKeeper', () => {
  it('keeps the newest value by time, then by seq, until it is taken', async () => {
    const keeper = new LatestKeeper();
    expect(keeper.isKnown('A', 'm')).toBe(false);
    keeper.saw('A', 'm', 10, 1, 1);
    keeper.saw('A', 'm', 9, 2, 2);
    keeper.saw('A', 'm', 10, 3, 3);
    expect(keeper.isKnown('A', 'm')).toBe(true);
    expect(keeper.isKnown('A', 'n')).toBe(false);
    expect(await flushed(keeper)).toEqual([{ owner: 'A', name: 'm', tsMs: 10, value: 3, seq: 3 }]);
    expect(await flushed(keeper)).toEqual([]);
  });

  it('writes again what could not be written, but not over what came meanwhile', async () => {
    const keeper = new LatestKeeper();
    keeper.saw('A', '', 10, 1);
    const away = async () => Promise.reject(new Error('away'));
    await expect(keeper.flush(away)).rejects.toThrow('away');
    expect(keeper.waiting).toBe(1);
    const newer = async () => {
      keeper.saw('A', '', 11, 2);
      throw new Error('away');
    };
    await expect(keeper.flush(newer)).rejects.toThrow('away');
    expect((await flushed(keeper)).map((v) => v.value)).toEqual([2]);
  });

  it('does not put an older value back over one of the same time that came meanwhile', async () => {
    const keeper = new LatestKeeper();
    keeper.saw('A', '', 10, 1);
    const newer = async () => {
      keeper.saw('A', '', 10, 2);
      throw new Error('away');
    };
    await expect(keeper.flush(newer)).rejects.toThrow('away');
    expect((await flushed(keeper)).map((v) => v.value)).toEqual([2]);
  });

  it('writes thousands in pieces, each value once', async () => {
    const keeper = new LatestKeeper();
    for (let i = 0; i < 1_100; i++) keeper.saw(`S${i}`, '', 1, i);
    const pieces: number[] = [];
    await keeper.flush(async (values) => {
      pieces.push(values.length);
      // What changes meanwhile is for the next flush.
      keeper.saw('S7', '', 2, -1);
    });
    expect(pieces).toEqual([250, 250, 250, 250, 100]);
    expect((await flushed(keeper)).map((v) => v.value)).toEqual([-1]);
  });

  it('gives those that wait longest when not all are asked for', async () => {
    const keeper = new LatestKeeper();
    for (const owner of ['C', 'A', 'B']) keeper.saw(owner, '', 1, 1);
    expect((await flushed(keeper, 2)).map((v) => v.owner)).toEqual(['A', 'C']);
    keeper.saw('A', '', 2, 2);
    expect(keeper.waiting).toBe(2);
    expect((await flushed(keeper, 1)).map((v) => v.owner)).toEqual(['B']);
    expect((await flushed(keeper)).map((v) => v.value)).toEqual([2]);
  });

  it('gives what has changed in the order of the keys, so that concurrent writers do not deadlock', async () => {
    const keeper = new LatestKeeper();
    for (const [owner, name] of [
      ['B', 'y'],
      ['A', 'z'],
      ['B', 'x'],
    ] as const) {
      keeper.saw(owner, name, 1, 1);
    }
    expect((await flushed(keeper)).map((v) => v.owner + v.name)).toEqual(['Az', 'Bx', 'By']);
  });
});
