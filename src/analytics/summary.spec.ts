import { describe, expect, it } from '@jest/globals';
import type { Position } from '../domain/portfolio.js';
import { AnalyticsEngine } from './analytics-engine.js';
import { type Summary, summaryOf } from './summary.js';

function setUp() {
  const engine = new AnalyticsEngine();
  let seq = 0;
  const hold = (...positions: Position[]): void =>
    engine.applyChange({
      kind: 'put',
      portfolio: { id: 'P', name: 'P', currency: 'USD', positions, revision: ++seq, updatedAtMs: 0 },
    });
  const tick = (symbol: string, price: number, tsMs: number): void =>
    engine.applyTick({ symbol, price, tsMs, size: null, sourceId: null, seq: ++seq });
  const summary = (nowMs: number): Summary => summaryOf(engine, engine.state('P')!, {}, nowMs);
  return { hold, tick, summary };
}

describe('summaryOf', () => {
  it('dates its figures, and says why where it cannot', () => {
    const { hold, tick, summary } = setUp();
    hold({ symbol: 'A', quantity: 1 });
    expect(summary(0)).toMatchObject({
      as_of: null,
      data_age_ms: null,
      reasons: { data_age_ms: { code: 'no_price' } },
    });
    tick('A', 5, 1_000);
    expect(summary(1_500)).toMatchObject({ as_of: '1970-01-01T00:00:01.000Z', data_age_ms: 500 });
    expect(summary(1_500).reasons).not.toHaveProperty('data_age_ms');
    tick('A', 6, 600_000);
    expect(summary(1_500)).toMatchObject({
      current_value: 6,
      data_age_ms: null,
      reasons: { data_age_ms: { code: 'future_price' } },
    });
  });

  it('keeps the date of its figures when nothing that is held now has a price', () => {
    const { hold, tick, summary } = setUp();
    hold({ symbol: 'A', quantity: 1 });
    tick('A', 5, 1_000);
    hold({ symbol: 'B', quantity: 1 });
    expect(summary(3_000)).toMatchObject({
      current_value: null,
      reason: 'no price of B has been seen',
      mean: 5,
      as_of: '1970-01-01T00:00:01.000Z',
      data_age_ms: 2_000,
    });
  });

  it('gives quantiles within the extremes', () => {
    const { hold, tick, summary } = setUp();
    hold({ symbol: 'A', quantity: 1 });
    for (let i = 1; i <= 30; i++) tick('A', 7.5, i);
    expect(summary(30)).toMatchObject({ std: 0, quantiles: { p01: 7.5, p50: 7.5, p99: 7.5 } });
  });
});
