import { describe, expect, it } from '@jest/globals';
import { AnalyticsEngine } from './analytics-engine.js';
import type { PortfolioState } from './portfolio-state.js';
import { PublicationSchedule } from './publication-schedule.js';

function setUp(count: number) {
  const engine = new AnalyticsEngine();
  const states = Array.from({ length: count }, (_, i): PortfolioState => {
    const id = `P${i}`;
    const portfolio = { id, name: id, currency: 'USD', positions: [], revision: i, updatedAtMs: 0 };
    engine.applyChange({ kind: 'put', portfolio });
    return engine.state(id)!;
  });
  const followed = new Set<PortfolioState>();
  const schedule = new PublicationSchedule(100, (state) => followed.has(state));
  for (const state of states) schedule.changed(state, 0);
  /** What is published without spare time. */
  const taken = (nowMs: number): string[] => {
    const ids: string[] = [];
    for (let state = schedule.take(nowMs); state !== undefined; state = schedule.take(nowMs))
      ids.push(state.id);
    return ids;
  };
  return { schedule, states, followed, taken };
}

describe('PublicationSchedule', () => {
  it('gives those who begin to follow a portfolio what waits for spare time, without a further change', () => {
    const { schedule, states, followed, taken } = setUp(3);
    expect(taken(0)).toEqual([]);
    followed.add(states[1]!);
    // The look before has come to the end: one begins anew, one finds it.
    expect([taken(25), taken(50)].flat()).toEqual(['P1']);
    expect(schedule.takeUnfollowed(60)?.id).toBe('P0');
    expect(schedule.pending).toBe(1);
  });

  it('finds them among thousands, a few at a time', () => {
    const { states, followed, taken } = setUp(2_000);
    followed.add(states[1_500]!);
    const found: string[] = [];
    let looks = 0;
    for (; found.length === 0 && looks < 100; looks++) found.push(...taken(looks * 20));
    expect(found).toEqual(['P1500']);
    expect(looks).toBeGreaterThan(20);
  });
});
