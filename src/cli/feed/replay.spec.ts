import { describe, expect, it } from '@jest/globals';
import type { Tick } from '../../domain/tick.js';
import { type ReplayOptions, replay } from './replay.js';
import { parseSpeed } from './replay-clock.js';

const tick = (tsMs: number): Tick => ({ symbol: 'SPY', tsMs, price: 1, size: null, sourceId: null });

async function run(stamps: readonly number[], options: Partial<ReplayOptions> & { sendMs?: number }) {
  let ms = 1_000_000;
  const sent: { atMs: number; ticks: readonly Tick[] }[] = [];
  async function* source() {
    for (let i = 0; i < stamps.length; i += 1_000) yield stamps.slice(i, i + 1_000).map(tick);
  }
  await replay(source(), {
    speed: 1,
    live: false,
    now: () => ms,
    wait: async (for_) => {
      ms += for_;
    },
    send: async (ticks) => {
      sent.push({ atMs: ms - 1_000_000, ticks });
      ms += options.sendMs ?? 0;
    },
    ...options,
  });
  return { sent, order: sent.flatMap((s) => s.ticks.map((t) => t.tsMs)) };
}

describe('a replay', () => {
  it('keeps the original spacing, divided by the speed', async () => {
    const stamps = [0, 10, 1_000, 1_001, 5_000];
    const { sent, order } = await run(stamps, { speed: 2 });
    expect(order).toEqual(stamps);
    expect(sent.map((s) => [s.atMs, s.ticks.length])).toEqual([
      [50, 2],
      [550, 2],
      [2_550, 1],
    ]);
  });

  it('sends nothing before it is due, and catches up when the server was slow', async () => {
    const stamps = Array.from({ length: 1_000 }, (_, i) => i * 10);
    const { sent, order } = await run(stamps, { sendMs: 700 });
    expect(order).toEqual(stamps);
    for (const { atMs, ticks } of sent) expect(ticks.at(-1)!.tsMs).toBeLessThanOrEqual(atMs);
    expect(sent.length).toBeLessThan(20);
  });

  it('at full speed sends batches of bounded size without waiting', async () => {
    const stamps = Array.from({ length: 25_000 }, (_, i) => i * 1_000);
    const { sent, order } = await run(stamps, { speed: Number.POSITIVE_INFINITY });
    expect(order).toEqual(stamps);
    expect(sent.map((s) => [s.atMs, s.ticks.length])).toEqual([
      [0, 10_000],
      [0, 10_000],
      [0, 5_000],
    ]);
  });

  it('does not wait for recorded jumps back in time', async () => {
    const { order, sent } = await run([1_000, 500, 1_100], {});
    expect(order).toEqual([1_000, 500, 1_100]);
    expect(sent.at(-1)!.atMs).toBe(150);
  });

  it('can stamp ticks with the time they are sent at', async () => {
    const { order } = await run([0, 1_000], { live: true });
    expect(order).toEqual([1_000_050, 1_001_050]);
  });

  it('ends when it is told to', async () => {
    const controller = new AbortController();
    controller.abort();
    await expect(run([0, 1], { signal: controller.signal })).rejects.toThrow();
  });
});

describe('a speed', () => {
  it.each([
    ['max', Number.POSITIVE_INFINITY],
    ['1', 1],
    ['10x', 10],
    ['0.5', 0.5],
    ['0', undefined],
    ['-1', undefined],
    ['fast', undefined],
    ['', undefined],
    ['Infinity', undefined],
  ])('%p is %p', (text, speed) => {
    expect(parseSpeed(text)).toBe(speed);
  });
});
