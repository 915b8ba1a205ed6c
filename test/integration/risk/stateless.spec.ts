import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { golden, relativeError } from '../../golden/risk/golden.js';
import { startApp, type TestApp } from '../../harness/index.js';

/** Parsed JSON, looked into field by field. */
type Answer = ReturnType<typeof JSON.parse>;

const names = ['AAA', 'BBB', 'CCC', 'DDD'];
const returns = Object.fromEntries(names.map((n, i) => [n, golden.market.returns[i]!]));
const weights = Object.fromEntries(names.map((n, i) => [n, golden.market.weights[i]!]));

describe('stateless risk over HTTP', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp();
  });
  afterAll(() => app.stop());

  async function post(path: string, body: unknown): Promise<{ status: number; body: Answer; type: string }> {
    const response = await fetch(`${app.baseUrl}/api/v1/risk/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const type = response.headers.get('content-type') ?? '';
    return { status: response.status, body: (await response.json()) as Answer, type };
  }

  it.each(golden.historical.rows)('historical VaR at $confidence equals numpy', async (row) => {
    const { status, body } = await post('var', {
      returns,
      weights,
      method: 'historical',
      confidence: row.confidence,
      horizon_days: 1,
    });
    expect(status).toBe(200);
    expect(relativeError([body.var, body.expected_shortfall], [row.var, row.mean_beyond_var])).toBeLessThan(
      1e-12,
    );
    expect(body).toMatchObject({
      method: 'historical',
      confidence: row.confidence,
      horizon_days: 1,
      quantile_type: 7,
      observations: 250,
      model_version: expect.any(String),
      inputs_hash: expect.stringMatching(/^[0-9a-f]{64}$/),
      runtime_ms: expect.any(Number),
      as_of: expect.any(String),
      data_age_ms: expect.any(Number),
    });
    expect(body.var_fraction).toBe(body.var);
  });

  it('positions are valued at the last price, in money and as a fraction', async () => {
    const prices = Object.fromEntries(
      names.map((n) => {
        let p = 50;
        return [n, [50, ...returns[n]!.map((r) => (p *= 1 + r))]];
      }),
    );
    const positions = names.map((symbol, i) => ({ symbol, quantity: (i + 1) * 10 }));
    const { body } = await post('var', { prices, positions, method: 'parametric', confidence: 0.99 });
    const value = positions.reduce((sum, p) => sum + p.quantity * prices[p.symbol]!.at(-1)!, 0);
    expect(body.portfolio_value).toBeCloseTo(value, 8);
    expect(body.var / body.portfolio_value).toBeCloseTo(body.var_fraction, 12);
    expect(body.unit).toBe('money');
    expect(body.expected_shortfall).toBeGreaterThan(body.var);
  });

  it('a covariance may stand for a history; Monte Carlo says seed, paths and standard error', async () => {
    const covariance = [
      [4e-4, 1e-4],
      [1e-4, 1e-4],
    ];
    const request = { covariance, weights: { X: 0.6, Y: 0.4 }, confidence: 0.99 };
    const parametric = await post('var', { ...request, method: 'parametric' });
    const sigma = Math.sqrt(0.36 * 4e-4 + 2 * 0.24 * 1e-4 + 0.16 * 1e-4);
    expect(parametric.body.var).toBeCloseTo(2.3263478740408408 * sigma, 12);
    const simulated = await post('var', {
      ...request,
      method: 'monte_carlo',
      options: { seed: 9, paths: 50_000 },
    });
    expect(simulated.body).toMatchObject({
      seed: 9,
      paths: 50_000,
      psd_repair: 'none',
      distribution: 'normal',
    });
    expect(Math.abs(simulated.body.var - parametric.body.var)).toBeLessThan(
      5 * simulated.body.standard_error,
    );
    const again = await post('var', {
      ...request,
      method: 'monte_carlo',
      options: { seed: 9, paths: 50_000 },
    });
    expect(again.body).toMatchObject({
      var: simulated.body.var,
      cached: true,
      inputs_hash: simulated.body.inputs_hash,
    });
  });

  const one = { A: [0.01, -0.02, 0.005, 0.01] };
  it.each<[string, Answer, string]>([
    ['confidence 95', { returns: one, confidence: 95 }, '/confidence'],
    ['confidence 1.5', { returns: one, confidence: 1.5 }, '/confidence'],
    ['confidence 0', { returns: one, confidence: 0 }, '/confidence'],
    ['confidence as text', { returns: one, confidence: '0.99' }, '/confidence'],
    ['an unknown field', { returns: one, confidense: 0.99 }, '/confidense'],
    ['an unknown option', { returns: one, options: { sed: 1 } }, '/options/sed'],
    ['an unknown method', { returns: one, method: 'magic' }, '/method'],
    ['a return that is text', { returns: { A: [0.1, 'x', 0.2] } }, '/returns/A/1'],
    ['a return that is null', { returns: { A: [0.1, null] } }, '/returns/A/1'],
    [
      'series of unequal length',
      { returns: { A: [0.1, 0.2], B: [0.1] }, weights: { A: 1, B: 1 } },
      '/returns/B',
    ],
    ['a weight for no series', { returns: one, weights: { B: 1 } }, '/weights/B'],
    ['two series without weights', { returns: { A: [0.1, 0.2], B: [0.1, 0.2] } }, '/weights'],
    ['neither history nor covariance', { weights: { A: 1 } }, '/returns'],
    ['historical from a covariance', { covariance: [[1]], method: 'historical' }, '/method'],
    [
      'a matrix that is not symmetric',
      {
        covariance: [
          [1, 2],
          [3, 4],
        ],
        method: 'parametric',
        weights: [1, 1],
      },
      '/covariance',
    ],
    ['t without a variance', { returns: one, method: 'student_t', options: { df: 2 } }, '/options/df'],
    ['a negative price', { prices: { A: [1, -1, 2] } }, '/prices/A/1'],
    ['one return', { returns: { A: [0.1] } }, '/returns/A'],
    ['horizon 0', { returns: one, horizon_days: 0 }, '/horizon_days'],
  ])('refuses %s and names the field', async (_what, body, pointer) => {
    const answer = await post('var', body);
    expect(answer.status).toBe(422);
    expect(answer.type).toContain('application/problem+json');
    expect(answer.body.errors.map((e: { pointer: string }) => e.pointer)).toContain(pointer);
  });

  it('refuses an infinity that JSON smuggles in as 1e400', async () => {
    const response = await fetch(`${app.baseUrl}/api/v1/risk/var`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"returns":{"A":[0.1,1e400]}}',
    });
    expect(response.status).toBe(422);
  });

  it('takes a perfect hedge, a duplicate asset and a constant series', async () => {
    const x = golden.market.returns[0]!;
    for (const method of ['historical', 'parametric', 'ewma', 'cornish_fisher', 'student_t', 'monte_carlo']) {
      const hedge = await post('var', { returns: { A: x, B: x }, weights: { A: 1, B: -1 }, method });
      expect([hedge.status, Math.abs(hedge.body.var) < 1e-12]).toEqual([200, true]);
      const flat = await post('var', { returns: { A: x.map(() => 0) }, weights: { A: 1 }, method });
      expect([flat.status, flat.body.var]).toEqual([200, 0]);
    }
  });

  it('covariance: equals numpy and scikit-learn, names condition number and repair', async () => {
    const sample = await post('covariance', { returns });
    expect(relativeError(sample.body.covariance.flat(), golden.covariance.sample.flat())).toBeLessThan(1e-12);
    expect(relativeError([sample.body.condition_number], [golden.covariance.condition])).toBeLessThan(1e-9);
    expect(sample.body).toMatchObject({ psd_repair: 'none', observations: 250, symbols: names });
    const shrunk = await post('covariance', { returns, estimator: 'ledoit_wolf' });
    expect(relativeError(shrunk.body.covariance.flat(), golden.covariance.ledoit_wolf.flat())).toBeLessThan(
      1e-10,
    );
    expect(shrunk.body.shrinkage_intensity).toBeCloseTo(golden.covariance.shrinkage, 10);
    const x = returns.AAA!;
    const singular = await post('covariance', { returns: { A: x, B: x, C: x.map(() => 0) } });
    expect(singular.body).toMatchObject({ condition_number: null, psd_repair: 'semidefinite', rank: 1 });
    expect(singular.body.correlation[0][2]).toBeNull();
  });

  it('performance and backtest answer with their definitions', async () => {
    const performance = await post('performance', { returns: returns.AAA, benchmark_returns: returns.BBB });
    expect(performance.status).toBe(200);
    expect(performance.body).toMatchObject({
      observations: 250,
      beta: expect.any(Number),
      definitions: { sharpe: expect.any(String) },
    });
    const flat = await post('performance', { returns: [0.01, 0.01, 0.01] });
    expect(flat.body).toMatchObject({ sharpe: null, sortino: null, calmar: null, beta: null });
    expect(flat.body.undefined_reasons.sharpe).toContain('no variance');
    const losses = Array.from({ length: 250 }, (_, i) => (i % 50 === 0 ? -0.05 : 0.001));
    const backtest = await post('backtest', { returns: losses, forecasts: 0.02, confidence: 0.99 });
    expect(backtest.body).toMatchObject({
      exceptions: 5,
      traffic_light: { zone: 'yellow', plus_factor: 0.4 },
    });
    const wrong = await post('backtest', { returns: losses, forecasts: [0.1, 0.2] });
    expect(wrong.body.errors[0].pointer).toBe('/forecasts');
  });
});
