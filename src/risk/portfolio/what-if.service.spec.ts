import { afterEach, describe, expect, it } from '@jest/globals';
import { liveRisk, until } from '../../../test/factories/live-risk.js';
import type { Lifecycle } from '../../lifecycle/lifecycle.js';
import { WhatIfService } from './what-if.service.js';

const open: Lifecycle[] = [];
afterEach(async () => {
  for (const lifecycle of open.splice(0)) await lifecycle.shutdown();
});

/** A portfolio of 10 A at 100 and 10 B at 50, with histories of A, B and C; C is not held. */
async function desk(settings: Record<string, string> = {}) {
  const risk = liveRisk({ RISK_LIVE_PATHS: '1000', ...settings });
  open.push(risk.lifecycle);
  for (const [i, s] of ['A', 'B', 'C'].entries()) risk.closes.walk(s, 300, i + 1);
  risk.book.tick('A', 100);
  risk.book.tick('B', 50);
  risk.book.tick('C', 20);
  risk.book.put('P', { A: 10, B: 10 });
  await until(() => risk.live.entry('P')?.figures && risk.live.entry('P')?.state.paths);
  const { book, live, history, limits, config, metrics } = risk;
  const service = new WhatIfService(book, live, history, limits, config, metrics);
  const check = (...orders: [string, number][]) =>
    service.check('P', { orders: orders.map(([symbol, quantity]) => ({ symbol, quantity })) });
  const limit = (limitType: string, thresholdValue: number) =>
    limits.put(risk.store.add({ limitType, thresholdValue, warningThreshold: thresholdValue * 0.9 }));
  return { ...risk, check, limit };
}

describe('WhatIfService', () => {
  it('projects what the portfolio would be with the order in it: equal to a portfolio that holds it', async () => {
    const { check, book, live } = await desk();
    const { projected, current, decision, reason_code } = await check(['A', -4], ['B', 30]);
    expect([decision, reason_code]).toEqual(['allow', 'NO_LIMITS']);
    book.put('P', { A: 6, B: 40 });
    const held = live.update('P')!;
    expect(projected!.value).toBeCloseTo(held.value, 9);
    const [var99, t] = [held.tails.historical[1]!, held.tails];
    expect(projected!.var / var99.var).toBeCloseTo(1, 12);
    expect(projected!.expected_shortfall / var99.expectedShortfall).toBeCloseTo(1, 12);
    expect(projected!.var_parametric / t.parametric[1]!.var).toBeCloseTo(1, 12);
    expect(projected!.var_monte_carlo! / t.monteCarlo![1]!.var).toBeCloseTo(1, 12);
    expect(current!.var).not.toBeCloseTo(projected!.var, 3);
  });

  it('an order that closes every position leaves exactly nothing, whatever prices did before', async () => {
    const { check, book, limit } = await desk();
    limit('var_fraction', 1e-9);
    for (let i = 1; i <= 20; i++) book.tick('A', 100 + i / 7);
    const { projected, decision } = await check(['A', -10], ['B', -10]);
    expect(decision).toBe('allow');
    expect(projected).toMatchObject({ value: 0, gross_exposure: 0, var: 0, expected_shortfall: 0 });
    expect(projected!.var_parametric).toBe(0);
  });

  it('a symbol that is not held is projected over the common history, and changes nothing', async () => {
    const { check, live, book } = await desk();
    const before = live.entry('P')!.state;
    const { projected, decision } = await check(['C', 100]);
    expect([decision, projected!.value]).toEqual(['allow', 3_500]);
    expect(live.entry('P')!.state).toBe(before);
    book.put('P', { A: 10, B: 10, C: 100 });
    const held = await until(() => live.entry('P')?.state !== before && live.update('P'));
    expect(projected!.var / held.tails.historical[1]!.var).toBeCloseTo(1, 12);
  });

  it('holds the projection against every limit, and lets a breach be reduced', async () => {
    const { check, limit } = await desk();
    limit('gross_exposure', 2_000);
    expect((await check(['A', 4])).reason_code).toBe('WITHIN_LIMITS');
    const denied = await check(['A', 6]);
    expect(denied).toMatchObject({
      decision: 'deny',
      reason_code: 'LIMIT_BREACH',
      reason: expect.stringContaining('gross_exposure would be 2100'),
    });
    expect(denied.limits[0]).toMatchObject({
      current_value: 1_500,
      projected_value: 2_100,
      projected_utilization: 1.05,
      projected_status: 'breach',
    });
    limit('concentration', 0.5);
    expect((await check(['A', -1])).reason_code).toBe('REDUCES_RISK');
    expect((await check(['A', 1])).reason_code).toBe('LIMIT_BREACH');
  });

  it('denies what it cannot check: stale, unpriced, without or with too short a history, not evaluated', async () => {
    const { check, book, closes, limit, store } = await desk({ RISK_STALE_MS: '60000' });
    closes.walk('SHORT', 10, 9);
    book.tick('SHORT', 5);
    book.tick('NONE', 5);
    expect((await check(['NEVER', 1])).reason_code).toBe('MISSING_PRICE');
    expect((await check(['NONE', 1])).reason_code).toBe('MISSING_HISTORY');
    expect((await check(['SHORT', 1])).reason_code).toBe('SHORT_HISTORY');
    const sent = limit('desk_loss', 10);
    expect(await check(['A', 1])).toMatchObject({ decision: 'deny', reason_code: 'LIMIT_NOT_EVALUATED' });
    store.sent.set('P desk_loss', 12);
    await until(() => sent.state.level === 'breach');
    expect((await check(['A', -1])).reason_code).toBe('LIMIT_BREACH');
    store.sent.set('P desk_loss', 5);
    await until(() => sent.state.level === 'normal');
    expect((await check(['A', -1])).reason_code).toBe('WITHIN_LIMITS');
    book.tick('B', 50, Date.now() - 61_000);
    expect(await check(['A', 1])).toMatchObject({ decision: 'deny', reason_code: 'STALE_DATA' });
    expect((await check(['A', Number.MAX_SAFE_INTEGER])).decision).toBe('deny');
    book.tick('B', 1e300);
    expect(await check(['A', 1])).toMatchObject({
      decision: 'deny',
      reason_code: 'LIMIT_NOT_EVALUATED',
      reason: expect.stringContaining('The value of B'),
    });
  });

  it('says what its answer rests on, and counts its decisions', async () => {
    const { check, metrics } = await desk();
    expect(await check(['A', 1])).toMatchObject({
      method: 'historical',
      confidence: 0.99,
      horizon_days: 1,
      quantile_type: 7,
      observations: 299,
      model_version: expect.any(String),
      inputs_hash: expect.stringMatching(/^[0-9a-f]{64}$/),
      data_age_ms: expect.any(Number),
    });
    const counted = metrics.read('tidewatch_risk_what_if_total').find((s) => s.value > 0)!;
    expect(counted.labels).toEqual({ decision: 'allow', reason: 'NO_LIMITS' });
  });
});
