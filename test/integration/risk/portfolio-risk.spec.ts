import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { EventBus } from '../../../src/domain/event-bus.js';
import type { LimitTransition } from '../../../src/domain/events.js';
import { parametricVar } from '../../../src/kernel/parametric-var.js';
import { BarRepository } from '../../../src/store/bar.repository.js';
import { golden } from '../../golden/risk/golden.js';
import { type Answer, jsonApi, startApp, type TestApp } from '../../harness/index.js';

const symbols = ['RKA', 'RKB', 'RKC', 'RKD'];
const quantities = [400, 350, 450, -200];
const days = 251;

describe('risk of stored portfolios over HTTP', () => {
  let app: TestApp;
  const transitions: LimitTransition[] = [];

  const call = jsonApi(() => app.baseUrl);
  const risk = (path: string, body?: unknown) =>
    call(body === undefined ? 'GET' : 'POST', `risk/portfolio/${path}`, body);

  async function prices(of: Readonly<Record<string, number>>, ts = Date.now()): Promise<void> {
    const ticks = Object.entries(of).map(([symbol, price]) => ({ symbol, ts, price }));
    const { status, body } = await call('POST', 'ingest/ticks', { ticks });
    expect([status, body.rejected]).toEqual([200, []]);
  }

  async function until<T>(what: () => Promise<T | null | undefined | false>): Promise<T> {
    for (let i = 0; i < 200; i++) {
      const value = await what();
      if (value) return value;
      await sleep(50);
    }
    throw new Error('it did not happen');
  }

  beforeAll(async () => {
    app = await startApp({ RISK_PUBLISH_MS: '50', RISK_STORE_MS: '1000', RISK_LIVE_PATHS: '2000' });
    app.app.get(EventBus).on('limit.transition', (e) => transitions.push(e));
    const today = Math.floor(Date.now() / 86_400_000);
    const bars = symbols.flatMap((symbol, i) => {
      let close = 100;
      return Array.from({ length: days }, (_, t) => {
        if (t > 0) close *= 1 + golden.market.returns[i]![t - 1]!;
        return { symbol, day: today - days + t, close };
      });
    });
    await app.app.get(BarRepository).upsert(bars);
    await prices(Object.fromEntries(symbols.map((s) => [s, 10])));
    const positions = symbols.map((symbol, i) => ({ symbol, quantity: quantities[i]! }));
    const created = await call('PUT', 'portfolios/BOOK', { name: 'Book', currency: 'USD', positions });
    expect(created.status).toBe(201);
    await until(async () =>
      (await risk('BOOK/metrics')).body.items.some((m: Answer) => m.metric_type === 'var'),
    );
  }, 60_000);
  afterAll(() => app.stop());

  it.each(golden.historical.rows)(
    'historical VaR at $confidence equals numpy: weights from positions × prices',
    async (row) => {
      const { status, body } = await risk(
        `BOOK/var?method=historical&confidence=${row.confidence}&horizon_days=1`,
      );
      expect(status).toBe(200);
      // 400, 350, 450 and −200 units at 10 are the golden weights of a book of 10,000.
      expect(body.value).toBeCloseTo(10_000, 6);
      expect(Math.abs(body.var_fraction / row.var - 1)).toBeLessThan(1e-9);
      expect(Math.abs(body.expected_shortfall_fraction / row.mean_beyond_var - 1)).toBeLessThan(1e-9);
      expect(body).toMatchObject({
        method: 'historical',
        confidence: row.confidence,
        horizon_days: 1,
        quantile_type: 7,
        observations: 250,
        currency: 'USD',
        inputs_hash: expect.stringMatching(/^[0-9a-f]{64}$/),
        model_version: expect.any(String),
        runtime_ms: expect.any(Number),
        as_of: expect.any(String),
        data_age_ms: expect.any(Number),
        history: { days_left_out: 0, gap_rule: expect.any(String) },
      });
    },
  );

  it('every method answers, Monte Carlo with seed, paths and standard error', async () => {
    for (const method of ['parametric', 'ewma', 'cornish_fisher', 'student_t', 'monte_carlo']) {
      const { status, body } = await risk(`BOOK/var?method=${method}&confidence=0.99&horizon_days=10`);
      expect([status, body.method]).toEqual([200, method]);
      expect(body.expected_shortfall).toBeGreaterThan(body.var);
      expect(body.horizon_scaling).toEqual(expect.any(String));
      if (method === 'monte_carlo') {
        expect(body).toMatchObject({ seed: 1, paths: 100_000, standard_error: expect.any(Number) });
      }
    }
  });

  it('refuses a confidence of 95 or 1.5, unknown parameters, methods and portfolios', async () => {
    const bad = [
      'confidence=95',
      'confidence=1.5',
      'confidence=',
      'confidence=NaN',
      'method=magic',
      'horizon_days=0',
      'x=1',
    ];
    for (const query of bad) {
      const { status, body } = await risk(`BOOK/var?${query}`);
      expect([query, status]).toEqual([query, 400]);
      expect(body.errors[0].pointer).toBe(`?${query.split('=')[0]}`);
    }
    expect((await risk('NOBODY/var')).status).toBe(404);
    expect((await risk('NOBODY/limits')).status).toBe(404);
  });

  it('components sum to the total', async () => {
    for (const method of ['parametric', 'historical', 'cornish_fisher', 'monte_carlo']) {
      const { body } = await risk(`BOOK/components?method=${method}`);
      const sum = body.components.reduce((s: number, c: Answer) => s + c.component_var, 0);
      expect(Math.abs(sum / body.var - 1)).toBeLessThan(1e-9);
      expect(body.components).toHaveLength(4);
      if (method === 'monte_carlo') {
        expect(body).toMatchObject({ seed: 1, paths: 100_000, standard_error: expect.any(Number) });
      }
      expect(Object.keys(body.components[0])).toEqual(
        expect.arrayContaining(['symbol', 'marginal_var', 'component_var', 'incremental_var']),
      );
    }
  });

  it('a history that is missing or short is refused with the reason', async () => {
    await prices({ RKX: 5 });
    await call('PUT', 'portfolios/NOHIST', {
      name: 'n',
      currency: 'USD',
      positions: [{ symbol: 'RKX', quantity: 1 }],
    });
    const missing = await risk('NOHIST/var');
    expect([missing.status, missing.body.code]).toEqual([422, 'MISSING_HISTORY']);
    expect(missing.body.detail).toContain('RKX');
    await call('PUT', 'portfolios/NOPRICE', {
      name: 'n',
      currency: 'USD',
      positions: [{ symbol: 'RKY', quantity: 1 }],
    });
    expect((await risk('NOPRICE/var')).body.code).toBe('MISSING_PRICE');
    const denied = await risk('NOPRICE/what-if', { orders: [{ symbol: 'RKA', quantity: 1 }] });
    expect(denied.body).toMatchObject({ decision: 'deny', reason_code: 'MISSING_PRICE' });
    await call('PUT', 'portfolios/EMPTY', { name: 'n', currency: 'USD', positions: [] });
    expect((await risk('EMPTY/var')).body).toMatchObject({ var: 0, observations: 0, var_fraction: null });
  });

  it('stress: named windows say why they cannot be computed, own windows and shocks are', async () => {
    const from = new Date(Date.now() - 100 * 86_400_000).toISOString().slice(0, 10);
    const to = new Date(Date.now() - 50 * 86_400_000).toISOString().slice(0, 10);
    const { status, body } = await risk('BOOK/stress', {
      windows: ['covid_2020', { name: 'mine', from, to }],
      shocks: [{ name: 'crash', shocks: { RKA: -0.2 }, all: -0.1 }],
    });
    expect(status).toBe(200);
    const named = (name: string) => body.scenarios.find((s: Answer) => s.name === name);
    expect(named('crash').loss).toBeCloseTo(4_000 * 0.2 + 6_000 * 0.1, 6);
    expect(named('covid_2020')).toMatchObject({ loss: null, reason: expect.stringContaining('RKA') });
    expect(named('mine').loss).toEqual(expect.any(Number));
    expect((await risk('BOOK/stress', { windows: ['atlantis'] })).body.errors[0].pointer).toBe('/windows/0');
    expect((await risk('BOOK/stress', { shocks: { RKA: -1.5 } })).status).toBe(422);
  });

  it('limits: created, judged, breached by ticks, acknowledged, raised, cleared, deleted; events and audit keep it all', async () => {
    const { body: base } = await risk('BOOK/var?confidence=0.99');
    const made = await risk('BOOK/limits', {
      limit_type: 'var',
      threshold_value: base.var * 1.5,
      warning_threshold: base.var * 1.2,
      clear_threshold: base.var * 1.4,
    });
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({ status: 'normal', utilization: expect.any(Number) });
    const twice = await risk('BOOK/limits', { limit_type: 'var', threshold_value: 2, warning_threshold: 1 });
    expect([twice.status, twice.body.code]).toEqual([409, 'LIMIT_EXISTS']);
    const id: string = made.body.id;
    const status = async () => (await risk(`BOOK/limits/${id}`)).body.status;

    await prices(Object.fromEntries(symbols.map((s) => [s, 20])));
    await until(async () => (await status()) === 'breach');
    const worst = (await risk('BOOK/metrics')).body.items[0];
    expect(worst).toMatchObject({ metric_type: 'var', status: 'breach', source: 'live' });
    expect(worst.utilization).toBeCloseTo(2 / 1.5, 9);
    const first = await until(async () => {
      const { body } = await call('GET', 'risk/limits?limit=1');
      return body.items[0]?.status === 'breach' && body.items[0];
    });
    expect(first).toMatchObject({ portfolio_id: 'BOOK', limit_id: id, limit_type: 'var' });
    expect(transitions.at(-1)).toMatchObject({ portfolioId: 'BOOK', limitId: id, to: 'breach' });

    const ack = await call('POST', `risk/portfolio/BOOK/limits/${id}/ack`, { comment: 'seen' });
    expect(ack.body.acknowledged).toMatchObject({ comment: 'seen' });
    const raised = await call('POST', `risk/portfolio/BOOK/limits/${id}/increase`, {
      threshold_value: base.var * 3,
      until: Date.now() + 60_000,
      comment: 'month end',
    });
    expect(raised.body.temporary_increase.threshold_value).toBeCloseTo(base.var * 3, 6);
    const views = [
      raised.body,
      (await risk('BOOK/metrics')).body.items.find((r: Answer) => r.limit_id === id),
    ];
    for (const view of views) {
      expect(view.threshold_value).toBeCloseTo(base.var * 1.5, 6);
      expect(view.effective_threshold_value).toBeCloseTo(base.var * 3, 6);
      expect(view.effective_warning_threshold).toBeCloseTo(base.var * 2.4, 6);
    }
    await until(async () => (await status()) === 'normal');
    const patched = await call('PATCH', 'risk/portfolio/BOOK/limits', {
      limit_type: 'var',
      warning_threshold: base.var,
    });
    expect([patched.status, patched.body.warning_threshold]).toEqual([200, base.var]);
    const wrong = await call('PATCH', `risk/portfolio/BOOK/limits/${id}`, {
      warning_threshold: base.var * 9,
    });
    expect([wrong.status, wrong.body.errors[0].pointer]).toEqual([422, '/warning_threshold']);

    const events = await until(async () => {
      const { body } = await risk('BOOK/events');
      return body.items.length >= 3 ? body.items : null;
    });
    expect(events.map((e: Answer) => e.to)).toEqual(expect.arrayContaining(['normal', 'breach']));
    expect((await call('DELETE', `risk/portfolio/BOOK/limits/${id}`)).status).toBe(204);
    expect((await risk(`BOOK/limits/${id}`)).status).toBe(404);
    const { body: audit } = await risk(`BOOK/limits/${id}/audit`);
    expect(audit.items.map((e: Answer) => e.action)).toEqual([
      'deleted',
      'changed',
      'increased',
      'acknowledged',
      'created',
    ]);
    expect(new Set(audit.items.map((e: Answer) => e.actor))).toEqual(new Set(['operator']));
    await prices(Object.fromEntries(symbols.map((s) => [s, 10])));
  });

  it('a limit on a metric that clients send is judged too', async () => {
    const limit = { limit_type: 'desk_loss', threshold_value: 10, warning_threshold: 8 };
    const refused = await risk('BOOK/limits', limit);
    expect([refused.status, refused.body.errors[0]]).toEqual([
      422,
      {
        pointer: '/limit_type',
        code: 'UNKNOWN_METRIC',
        message: expect.stringContaining('expected_shortfall'),
      },
    ]);
    const point = { portfolio_id: 'BOOK', metric_type: 'desk_loss', value: 9, timestamp: Date.now() };
    expect((await call('POST', 'ingest/metrics', { points: [point] })).status).toBe(200);
    const made = await risk('BOOK/limits', limit);
    expect(made.status).toBe(201);
    await until(async () => (await risk(`BOOK/limits/${made.body.id}`)).body.status === 'warning');
    const row = (await risk('BOOK/metrics')).body.items.find((m: Answer) => m.metric_type === 'desk_loss');
    expect(row).toMatchObject({ current_value: 9, utilization: 0.9, status: 'warning', source: 'analytics' });
    await call('DELETE', 'risk/portfolio/BOOK/limits?limit_type=desk_loss');
  });

  it('what-if: allows within limits, denies a breach and stale data, lets risk be reduced', async () => {
    await prices(Object.fromEntries(symbols.map((s) => [s, 10])));
    await until(async () => Math.abs((await risk('BOOK/var')).body.value - 10_000) < 1e-6);
    const { body: base } = await risk('BOOK/var?confidence=0.99');
    const buy = { orders: [{ symbol: 'RKB', quantity: 1_000 }] };
    expect((await risk('BOOK/what-if', buy)).body).toMatchObject({
      decision: 'allow',
      reason_code: 'NO_LIMITS',
    });
    const { body: limit } = await risk('BOOK/limits', {
      limit_type: 'var',
      threshold_value: base.var * 1.2,
      warning_threshold: base.var * 1.1,
    });
    const denied = (await risk('BOOK/what-if', buy)).body;
    expect(denied).toMatchObject({ decision: 'deny', reason_code: 'LIMIT_BREACH' });
    expect(denied.current.var).toBeCloseTo(base.var, 6);
    const { monte_carlo } = await until(async () => {
      const { projected } = (await risk('BOOK/what-if', buy)).body;
      return projected.monte_carlo !== undefined && projected;
    });
    expect(monte_carlo).toMatchObject({ paths: 2_000, seed: 1 });
    expect(monte_carlo.standard_error / monte_carlo.var).toBeLessThan(0.2);
    expect(monte_carlo.standard_error).toBeGreaterThan(0);
    expect(denied.limits[0].projected_utilization).toBeGreaterThan(1);
    const small = (await risk('BOOK/what-if', { orders: [{ symbol: 'RKA', quantity: 1 }] })).body;
    expect(small).toMatchObject({ decision: 'allow', reason_code: 'WITHIN_LIMITS' });
    await call('PATCH', `risk/portfolio/BOOK/limits/${limit.id}`, {
      threshold_value: base.var * 0.5,
      warning_threshold: base.var * 0.4,
    });
    const less = (await risk('BOOK/what-if', { orders: [{ symbol: 'RKB', quantity: -20 }] })).body;
    expect(less).toMatchObject({ decision: 'allow', reason_code: 'REDUCES_RISK' });
    const unknown = await risk('BOOK/what-if', { orders: [{ symbol: 'NEVER', quantity: 1 }] });
    expect(unknown.body).toMatchObject({ decision: 'deny', reason_code: 'MISSING_PRICE' });
    await call('PUT', 'portfolios/STALE', {
      name: 's',
      currency: 'USD',
      positions: [{ symbol: 'RKZ', quantity: 1 }],
    });
    await app.app
      .get(BarRepository)
      .upsert(
        Array.from({ length: 60 }, (_, t) => ({ symbol: 'RKZ', day: 20_000 + t, close: 10 + (t % 3) })),
      );
    await prices({ RKZ: 10 }, Date.now() - 3_600_000);
    const stale = await risk('STALE/what-if', { orders: [{ symbol: 'RKZ', quantity: 1 }] });
    expect(stale.body).toMatchObject({ decision: 'deny', reason_code: 'STALE_DATA' });
    expect((await risk('BOOK/what-if', { orders: [] })).status).toBe(422);
  });

  it('the live figures are those of the calculation, and are stored as metrics', async () => {
    const { body: direct } = await risk('BOOK/var?method=parametric&confidence=0.99');
    const { body: metrics } = await risk('BOOK/metrics');
    const live = metrics.items.find((m: Answer) => m.metric_type === 'var_99_parametric');
    expect(Math.abs(live.current_value / direct.var - 1)).toBeLessThan(1e-9);
    expect(metrics).toMatchObject({
      inputs_hash: expect.stringMatching(/^[0-9a-f]{64}$/),
      model_version: expect.any(String),
      runtime_ms: expect.any(Number),
    });
    expect(direct.var).toBeCloseTo(parametricVar(direct.mean_pnl, direct.volatility, 0.99), 6);
    await until(async () => {
      const { body } = await risk('BOOK/metrics');
      return body.items.some((m: Answer) => m.metric_type === 'var' && m.current_value !== null);
    });
    const text = await (await fetch(`${app.baseUrl}/metrics`)).text();
    for (const name of ['tidewatch_risk_live_portfolios', 'tidewatch_risk_oldest_figure_timestamp_seconds']) {
      expect(text).toContain(name);
    }
  });

  it('the rolling backtest says what it rests on, or why it is not there', async () => {
    const { body } = await risk('BOOK/backtest');
    expect(body).toMatchObject({ observations: null, reason: expect.stringContaining('at least 280') });
  });
});
