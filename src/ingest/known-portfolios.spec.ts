import { describe, expect, it } from '@jest/globals';
import { EventBus } from '../domain/event-bus.js';
import { KnownPortfolios } from './known-portfolios.js';

const points = (...ids: string[]) =>
  ids.map((portfolioId, i) => ({ portfolioId, metricType: 'm', value: i, tsMs: i, metadata: null }));

function make(...present: string[]) {
  const stored = new Set(present);
  const asked: (readonly string[])[] = [];
  const bus = new EventBus();
  let nowMs = 0;
  const known = new KnownPortfolios(
    {
      existing: async (ids) => {
        asked.push(ids);
        return new Set(ids.filter((id) => stored.has(id)));
      },
    },
    bus,
    () => nowMs,
  );
  return { known, stored, asked, bus, wait: (ms: number) => (nowMs += ms) };
}

describe('KnownPortfolios', () => {
  it('asks once for ids it has not seen, and hands on the same array when all exist', async () => {
    const { known, asked } = make('A', 'B');
    const rows = points('A', 'B', 'A');
    expect(await known.check(rows)).toEqual({ rows, unknown: [] });
    expect((await known.check(rows)).rows).toBe(rows);
    expect(asked).toEqual([['A', 'B']]);
  });

  it('picks out the others by their index, and asks for them again', async () => {
    const { known, asked, stored } = make('A');
    const rows = points('A', 'X', 'A', 'Y', 'X');
    const { rows: good, unknown } = await known.check(rows);
    expect(good).toEqual([rows[0], rows[2]]);
    expect(unknown.map((u) => u.index)).toEqual([1, 3, 4]);
    stored.add('X');
    expect((await known.check(points('X'))).unknown).toEqual([]);
    expect(asked).toEqual([['A', 'X', 'Y'], ['X']]);
  });

  it('forgets a deleted portfolio at once, and one deleted elsewhere after a minute', async () => {
    const { known, stored, bus, wait } = make('A', 'B');
    await known.check(points('A', 'B'));
    stored.clear();
    bus.emit('portfolio.changed', {
      kind: 'deleted',
      portfolio: { id: 'A', name: '', currency: 'USD', positions: [], revision: 1 } as never,
    });
    expect((await known.check(points('A', 'B'))).unknown.map((u) => u.index)).toEqual([0]);
    wait(60_001);
    expect((await known.check(points('A', 'B'))).unknown).toHaveLength(2);
  });
});
