import { describe, expect, it } from '@jest/globals';
import { FanOut } from './fan-out.js';
import type { Job } from './job.js';
import type { Subscription } from './subscription.js';

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A job for that many receivers, none of which can be written to without a look at it. */
function jobFor(count: number, deliver: () => void): Job {
  const subscription = { active: true, apart: false, overlaps: 0, receiver: { blocked: false, deliver } };
  const list = Array.from({ length: count }, () => subscription as unknown as Subscription);
  const to = { list, slots: list.map(() => -1), end: count, size: count };
  const lane = { giveBack: () => {} };
  return { lane, bytes: Buffer.alloc(1), outgoing: [], to, served: null, onBlocked: null } as unknown as Job;
}

/** Receivers served in each turn of the event loop, by a clock that goes on 0.125 ms with every look at it. */
async function served(events: () => number): Promise<number[]> {
  let now = 0;
  let count = 0;
  const fanOut = new FanOut(
    { delivered: () => {} },
    () => {},
    () => (now += 0.125),
    events,
  );
  fanOut.add(jobFor(2_000, () => count++));
  fanOut.run();
  const turns = [count];
  while (fanOut.busy) {
    const before = count;
    await turn();
    turns.push(count - before);
  }
  expect(count).toBe(2_000);
  return turns.slice(0, -1);
}

describe('FanOut', () => {
  it('gives the event loop a turn every half millisecond while there is something else to do', async () => {
    let events = 0;
    const turns = await served(() => ++events);
    expect(new Set(turns).size).toBe(1);
    expect(turns.length).toBeGreaterThan(20);
  });

  it('takes longer slices, up to 2 ms, while there is not', async () => {
    const turns = await served(() => 7);
    expect(turns[1]).toBeGreaterThan(turns[0]! * 1.5);
    expect(turns[2]).toBeGreaterThan(turns[1]! * 1.5);
    expect(turns[3]).toBe(turns[2]);
  });

  it('stays with short slices where the event loop does not tell', async () => {
    const turns = await served(() => Number.NaN);
    expect(new Set(turns).size).toBe(1);
  });
});
