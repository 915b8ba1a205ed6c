import { describe, expect, it } from '@jest/globals';
import type { Tick } from '../domain/tick.js';
import { DemoMarket, type DemoMarketOptions } from './demo-market.js';
import { readMarketDays } from './market-data.js';

const days = readMarketDays().slice(0, 3);

function market(overrides: Partial<DemoMarketOptions> = {}) {
  const clock = { ms: 1_700_000_000_000 };
  const sent: Tick[] = [];
  const completed: string[] = [];
  const errors: unknown[] = [];
  const instance = new DemoMarket({
    days,
    daySeconds: 2,
    position: null,
    send: async (ticks) => void sent.push(...ticks),
    dayCompleted: async (day) => void completed.push(day.date),
    onError: (error) => errors.push(error),
    now: () => clock.ms,
    ...overrides,
  });
  const run = async (ms: number, stepMs = 100): Promise<void> => {
    for (let t = 0; t < ms; t += stepMs) {
      await instance.beat();
      clock.ms += stepMs;
    }
  };
  return { instance, clock, sent, completed, errors, run };
}

const pricesOf = (ticks: readonly Tick[], symbol: string): number[] =>
  ticks.filter((t) => t.symbol === symbol).map((t) => t.price);

describe('the demo market', () => {
  it('plays a day in its time, touches the real prices and stamps them with the wall clock', async () => {
    const { sent, run, completed } = market();
    await run(2_000);
    const bar = days[0]!.bars.SPX!;
    const prices = pricesOf(sent, 'SPX');
    expect(prices).toHaveLength(20);
    expect([prices[0], Math.max(...prices), Math.min(...prices), prices.at(-1)]).toEqual([
      bar.open,
      bar.high,
      bar.low,
      bar.close,
    ]);
    expect(sent.every((t) => t.tsMs >= 1_700_000_000_000 && t.tsMs < 1_700_000_002_000)).toBe(true);
    expect(completed).toEqual([days[0]!.date]);
  });

  it('goes through all days and begins again', async () => {
    let restarts = 0;
    const { instance, completed, run } = market({ restarted: () => restarts++ });
    await run(7_000);
    expect(completed).toEqual(days.map((d) => d.date));
    expect(restarts).toBe(1);
    expect(instance.position.date).toBe(days[0]!.date);
  });

  it('goes on where it was after a restart, with the same prices', async () => {
    const whole = market();
    await whole.run(4_000);
    const before = market();
    await before.run(2_700);
    const after = market({ position: before.instance.position });
    await after.run(1_300);
    expect([...pricesOf(before.sent, 'AAPL'), ...pricesOf(after.sent, 'AAPL')]).toEqual(
      pricesOf(whole.sent, 'AAPL'),
    );
  });

  it('begins the day anew when the position does not fit the speed, and at the first day when it is unknown', () => {
    const at = (date: string, step: number) => market({ position: { date, step } }).instance.position;
    expect(at(days[1]!.date, 20)).toEqual({ date: days[1]!.date, step: 0 });
    expect(at('1999-01-01', 5)).toEqual({ date: days[0]!.date, step: 0 });
  });

  it('sends again what was not stored, and leaves nothing out', async () => {
    let beats = 0;
    const stored: Tick[] = [];
    const { errors, run } = market({
      send: async (ticks) => {
        if (++beats % 3 === 0) throw new Error('503');
        stored.push(...ticks);
      },
    });
    await run(3_000);
    expect(errors.length).toBeGreaterThan(3);
    const bar = days[0]!.bars.AAPL!;
    const first = pricesOf(stored, 'AAPL').slice(0, 20);
    expect([first[0], Math.max(...first), Math.min(...first), first.at(-1)]).toEqual([
      bar.open,
      bar.high,
      bar.low,
      bar.close,
    ]);
  });

  it('does not send a burst after the process was held up', async () => {
    const { sent, run, clock } = market({ daySeconds: 60 });
    await run(1_000);
    const before = sent.length;
    clock.ms += 30_000;
    await run(100);
    expect(sent.length - before).toBeLessThanOrEqual(4);
  });

  it('never stamps a tick before its predecessor', async () => {
    const { sent, run } = market();
    await run(6_000, 130);
    const stamps = sent.map((t) => t.tsMs);
    expect([...stamps].sort((a, b) => a - b)).toEqual(stamps);
  });
});
