import { describe, expect, it } from '@jest/globals';
import { asStored, seededTicks } from '../../test/factories/ticks.js';
import type { StoredTicks } from '../domain/tick.js';
import { AnalyticsEngine } from './analytics-engine.js';
import { EngineFeed } from './engine-feed.js';

const batchOf = (count: number, firstSeq: number): StoredTicks => ({
  ticks: asStored(seededTicks({ symbols: ['A'], count, seed: firstSeq, startMs: firstSeq * 250 }), firstSeq),
  ingestedAtMs: 1,
  storedAtMs: 2,
});
const put = (revision: number) => ({
  kind: 'put' as const,
  portfolio: {
    id: 'P',
    name: 'P',
    currency: 'USD',
    positions: [{ symbol: 'A', quantity: 1 }],
    revision,
    updatedAtMs: 0,
  },
});
const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('EngineFeed', () => {
  it('applies ticks and changes in the order of their announcements', async () => {
    const engine = new AnalyticsEngine();
    const drained: boolean[] = [];
    // Time stands still: no slice is over before its work.
    const feed = new EngineFeed(engine, { applied: (all) => drained.push(all) }, () => 0);
    feed.addTicks(batchOf(10, 1));
    expect([engine.counts.applied, feed.waitingTicks]).toEqual([0, 10]);
    feed.addChange(put(11));
    feed.addTicks(batchOf(5, 12));
    while (!feed.isIdle) await turn();
    expect([engine.counts.applied, engine.counts.updates, feed.waitingTicks]).toEqual([15, 5, 0]);
    expect(drained.at(-1)).toBe(true);
    expect(engine.lastSeq).toBe(16);
  });

  it('applies a change at once when nothing waits: who has made it may ask for it next', () => {
    const engine = new AnalyticsEngine();
    const feed = new EngineFeed(engine, { applied: () => undefined });
    feed.addChange(put(1));
    expect([engine.portfolioCount, feed.isIdle]).toEqual([1, true]);
    // Ticks never run inside their announcer.
    feed.addTicks(batchOf(5, 2));
    expect([engine.counts.applied, feed.waitingTicks]).toEqual([0, 5]);
  });

  it('leaves the event loop room while much is waiting', async () => {
    const engine = new AnalyticsEngine();
    engine.applyChange(put(0));
    const feed = new EngineFeed(engine, { applied: () => undefined });
    feed.addTicks(batchOf(40_000, 1));
    let turns = 0;
    while (!feed.isIdle) {
      await turn();
      turns++;
    }
    expect(turns).toBeGreaterThan(1);
    expect(feed.totals.interruptions).toBeGreaterThan(0);
    expect(engine.counts.updates).toBe(40_000);
  });

  it('catches up on demand, so that an answer includes what was acknowledged', () => {
    const engine = new AnalyticsEngine();
    const feed = new EngineFeed(engine, { applied: () => undefined });
    feed.addTicks(batchOf(100, 1));
    expect(feed.catchUp(1_000)).toBe(true);
    expect(engine.counts.applied).toBe(100);
  });

  it('makes the announcer wait when the queue is full instead of growing or dropping', () => {
    const engine = new AnalyticsEngine();
    const feed = new EngineFeed(engine, { applied: () => undefined });
    for (let i = 0; i < 5; i++) feed.addTicks(batchOf(50_000, 1 + i * 50_000));
    expect(feed.totals.saturations).toBe(1);
    // What is too many, and no more: the rest waits for its turn.
    expect(feed.waitingTicks).toBe(200_000);
    while (!feed.catchUp(1_000));
    expect(engine.counts.applied).toBe(250_000);
  });

  it('holds everything back while the engine is rebuilt', async () => {
    const engine = new AnalyticsEngine();
    const feed = new EngineFeed(engine, { applied: () => undefined });
    feed.hold();
    feed.addTicks(batchOf(10, 1));
    await turn();
    expect(feed.catchUp()).toBe(false);
    expect(engine.counts.applied).toBe(0);
    feed.release();
    while (!feed.isIdle) await turn();
    expect(engine.counts.applied).toBe(10);
  });
});
