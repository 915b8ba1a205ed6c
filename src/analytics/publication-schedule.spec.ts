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
    for (const state of states.slice(1)) {
      followed.add(state);
      schedule.follow(state, 20);
    }
    expect(taken(25)).toEqual(['P1', 'P2']);
    expect(schedule.takeUnfollowed(60)?.id).toBe('P0');
    expect(schedule.pending).toBe(0);
  });
});
