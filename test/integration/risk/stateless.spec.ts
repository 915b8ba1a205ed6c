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
    ['an option of another method', { returns: one, options: { lambda: 0.9 } }, '/options/lambda'],
    [
      'paths without Monte Carlo',
      { returns: one, method: 'ewma', options: { paths: 5_000 } },
      '/options/paths',
    ],
    [
      'an estimate of a covariance that is given',
      { covariance: [[1]], method: 'parametric', options: { shrinkage: 'ledoit_wolf' } },
      '/options/shrinkage',
    ],
    [
      'Sobol paths that are no power of two',
      { returns: one, method: 'monte_carlo', options: { sampling: 'sobol', paths: 50_000 } },
      '/options/paths',
    ],
    ['means with ewma', { covariance: [[1]], means: [0.1], method: 'ewma' }, '/means'],
    [
      'a value beside positions',
      { prices: { A: [1, 2, 3] }, positions: { A: 1 }, portfolio_value: 5 },
      '/portfolio_value',
    ],
    ['a weight of 1e300', { returns: one, weights: { A: 1e300 } }, '/weights/A'],
    ['a weight of 1e308 in a list', { returns: one, weights: [1e308] }, '/weights/0'],
    ['a quantity of 1e300', { prices: { A: [1, 2, 3] }, positions: { A: -1e300 } }, '/positions/A'],
    [
      'a price of 1e300',
      { returns: one, positions: [{ symbol: 'A', quantity: 1, price: 1e300 }] },
      '/positions/0/price',
    ],
    ['a value of 1e300', { returns: one, portfolio_value: 1e300 }, '/portfolio_value'],
    ['a variance of 1e300', { covariance: [[1e300]], method: 'parametric' }, '/covariance/0/0'],
    ['a mean of 1e300', { covariance: [[1]], means: [1e300], method: 'parametric' }, '/means/0'],
    ['a return of 1e300', { returns: { A: [0.1, 1e300] } }, '/returns/A/1'],
    ['a time beyond all dates', { returns: one, as_of: 9e15 }, '/as_of'],
    ['a price that explodes', { prices: { A: [1e-300, 1e300, 1] } }, '/prices/A/1'],
  ])('refuses %s and names the field', async (_what, body, pointer) => {
    const answer = await post('var', body);
    expect(answer.status).toBe(422);
    expect(answer.type).toContain('application/problem+json');
    const named = answer.body.errors.find((e: { pointer: string }) => e.pointer === pointer);
    expect([named?.pointer, answer.body.errors]).toEqual([pointer, expect.any(Array)]);
    expect(named.message).toMatch(/[a-z]{4,}/);
  });

  it('a matrix that is no covariance is repaired, and every method says so', async () => {
    const { matrix, exposures, repaired_variance } = golden.psd_repair;
    const exact = 2.3263478740408408 * Math.sqrt(repaired_variance);
    for (const method of ['parametric', 'ewma', 'monte_carlo']) {
      const { status, body } = await post('var', { covariance: matrix, weights: exposures, method });
      expect([status, body.psd_repair]).toEqual([200, 'clipped_eigenvalues']);
      expect(body.warnings[0]).toContain('COVARIANCE_REPAIRED');
      expect(body.volatility).toBeCloseTo(Math.sqrt(repaired_variance), 9);
      expect(Math.abs(body.var - exact)).toBeLessThan(5 * (body.standard_error ?? 1e-10));
    }
    const sound = await post('var', { covariance: [[1e-4]], method: 'parametric' });
    expect(sound.body).toMatchObject({
      psd_repair: 'none',
      warnings: [],
      estimator: 'given_covariance',
      mean: 'zero',
    });
  });

  it('says which parameters nobody chose', async () => {
    const bare = await post('var', { returns: { A: returns.AAA } });
    expect(bare.body.defaulted).toEqual([
      'method',
      'confidence',
      'horizon_days',
      'portfolio_value',
      'weights',
      'as_of',
      'options.quantile_type',
      'options.expected_shortfall',
    ]);
    const chosen = await post('var', {
      returns,
      weights,
      portfolio_value: 1e6,
      method: 'ewma',
      confidence: 0.99,
      horizon_days: 1,
      as_of: '2026-01-05T00:00:00Z',
      options: { lambda: 0.97 },
    });
    expect(chosen.body.defaulted).toEqual([]);
    const simulated = await post('var', { returns, weights, method: 'monte_carlo' });
    expect(simulated.body.defaulted).toEqual(expect.arrayContaining(['options.seed', 'options.paths']));
    expect((await post('covariance', { returns })).body.defaulted).toEqual(['estimator', 'ddof', 'as_of']);
    const tested = await post('backtest', { returns: [0.1, -0.1], forecasts: 0.05 });
    expect(tested.body.defaulted).toEqual(['confidence', 'as_of']);
    const measured = await post('performance', { returns: returns.AAA, target: 0 });
    expect(measured.body.defaulted).toEqual(['risk_free', 'periods_per_year', 'as_of']);
  });

  it('Monte Carlo by Sobol points says so, and comes nearer to the formula than its random paths', async () => {
    const request = { returns, weights, method: 'monte_carlo', options: { mean: 'zero' } };
    const exact = await post('var', { ...request, method: 'parametric' });
    const random = await post('var', request);
    const sobol = await post('var', { ...request, options: { mean: 'zero', sampling: 'sobol' } });
    expect(sobol.body).toMatchObject({ sampling: 'sobol', paths: 65_536, replicates: 16, seed: 1 });
    expect(sobol.body.standard_error).toBeLessThan(random.body.standard_error / 10);
    expect(Math.abs(sobol.body.var - exact.body.var)).toBeLessThan(4 * sobol.body.standard_error);
    expect(random.body).toMatchObject({ sampling: 'pseudo_random', antithetic: false });
    const short = await post('var', {
      ...request,
      confidence: 0.9999,
      options: { paths: 1_000 },
    });
    expect(short.body).toMatchObject({ standard_error: null, standard_error_reason: expect.any(String) });
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
      expect([hedge.status, hedge.body.var, hedge.body.expected_shortfall]).toEqual([200, 0, 0]);
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
    const calm = await post('backtest', { returns: losses, forecasts: 0.5 });
    expect(calm.body).toMatchObject({
      exceptions: 0,
      kupiec: { statistic: expect.any(Number), reject: true },
      christoffersen: { statistic: null, p_value: null, reject: null, reason: expect.any(String) },
      joint: { statistic: null, p_value: null, reject: null, reason: expect.any(String) },
    });
    const wrong = await post('backtest', { returns: losses, forecasts: [0.1, 0.2] });
    expect(wrong.body.errors[0].pointer).toBe('/forecasts');
  });

  it('performance of extreme series: what leaves the range of numbers is null with a reason', async () => {
    const up = await post('performance', { returns: new Array(60).fill(1e6) });
    expect(up.body).toMatchObject({
      annual_return: null,
      calmar: null,
      volatility: 0,
      drawdown: { depth: null, reason: expect.stringContaining('beyond the range') },
      undefined_reasons: {
        annual_return: expect.stringContaining('beyond the range'),
        calmar: expect.stringContaining('beyond the range'),
        sharpe: expect.stringContaining('no variance'),
      },
    });
    const down = await post('performance', { returns: new Array(60).fill(-0.999999) });
    expect(down.body).toMatchObject({ annual_return: -1, drawdown: { depth: null } });
    for (const [field, value] of [
      ['risk_free', 1e308],
      ['target', -5],
      ['risk_free', [0.1, 1e300, 0]],
    ] as const) {
      const refused = await post('performance', { returns: [0.1, 0.2, -0.1], [field]: value });
      const { pointer, message } = refused.body.errors[0];
      expect([refused.status, pointer]).toEqual([422, `/${field}`]);
      expect(message).toContain('between -1 and 1');
    }
  });

  it('hostile numbers are refused or answered; what has no answer is null with a reason, never an error of ours', async () => {
    const extremes = [0, 1, -1, 1e-300, 1e308, -1e308, 1e150, 1e6, 0.01, -0.02, 0.5, -0.999999999, 5e-324];
    let at = 0;
    const number = (): number => {
      at = (at * 5 + 3) % 8191;
      return extremes[at % extremes.length]!;
    };
    const numbers = (count: number): number[] => Array.from({ length: count }, number);
    const bodies = (count: number): [string, Answer][] => [
      ['performance', { returns: numbers(count), benchmark_returns: numbers(count) }],
      ['performance', { prices: numbers(count).map((x) => Math.abs(x) + 1), periods_per_year: 31_536_000 }],
      ['backtest', { returns: numbers(count), forecasts: number(), confidence: 0.999_999 }],
      ['covariance', { returns: { A: numbers(count), B: numbers(count) } }],
      ...['historical', 'parametric', 'ewma', 'cornish_fisher', 'student_t', 'monte_carlo'].map(
        (method): [string, Answer] => [
          'var',
          {
            method,
            returns: { A: numbers(count).map((x) => Math.max(x, -1)), B: new Array(count).fill(0.1) },
            weights: numbers(2),
            portfolio_value: Math.abs(number()) || 1,
            horizon_days: 2_520,
          },
        ],
      ),
    ];
    const statuses = new Set<number>();
    for (let i = 0; i < 12; i++) {
      for (const [path, body] of bodies(2 + i)) {
        const answer = await post(path, body);
        statuses.add(answer.status);
        expect([200, 422]).toContain(answer.status);
        if (answer.status === 200) expect(unexplained(answer.body)).toEqual([]);
      }
    }
    expect(statuses).toEqual(new Set([200, 422]));
  });

  it('at the ends of what is legal every answer is made of numbers, and every refusal of words', async () => {
    const series = [1e6, -1, 0, 1e-300, -0.5, 1e6, 5e-324, 0.01];
    const amounts = [1e30, -1e30, 1e-300, 0];
    const bodies: Answer[] = [];
    for (const method of ['historical', 'parametric', 'ewma', 'cornish_fisher', 'student_t', 'monte_carlo']) {
      for (const a of amounts) {
        const held = { weights: { A: a, B: -a }, portfolio_value: 1e30, horizon_days: 2_520, method };
        const options = method === 'monte_carlo' ? { paths: 1_000 } : undefined;
        bodies.push({ returns: { A: series, B: series.toReversed() }, ...held, options });
        bodies.push({
          returns: { A: series.map((x) => x * 1e-6), B: series },
          ...held,
          confidence: 1 - 1e-15,
          options,
        });
        if (method === 'historical' || method === 'cornish_fisher') continue;
        const covariance = [
          [Math.abs(a), a],
          [a, Math.abs(a)],
        ];
        bodies.push({ covariance, ...held, weights: [a, 1], options });
      }
    }
    for (const body of bodies) {
      const { status, body: answer } = await post('var', body);
      const said = JSON.stringify([body, answer]);
      expect([200, 422, said]).toEqual([200, 422, expect.not.stringMatching(/NaN|Infinity/)]);
      expect([200, 422]).toContain(status);
      if (status === 200) {
        expect([typeof answer.var, typeof answer.expected_shortfall]).toEqual(['number', 'number']);
        expect(unexplained(answer)).toEqual([]);
      } else expect([body, answer.detail]).toEqual([body, expect.stringMatching(/\w{2,} \w{2,}/)]);
    }
  });

  it('the smallest weights have the smallest VaR, not none', async () => {
    for (const method of ['historical', 'parametric', 'ewma', 'cornish_fisher', 'student_t', 'monte_carlo']) {
      const one = (await post('var', { returns, weights, method })).body;
      const tiny = Object.fromEntries(Object.entries(weights).map(([s, w]) => [s, w * 2 ** -990]));
      const small = (await post('var', { returns, weights: tiny, method })).body;
      expect(small.var / 2 ** -990 / one.var).toBeCloseTo(1, 12);
      expect(small.expected_shortfall / 2 ** -990 / one.expected_shortfall).toBeCloseTo(1, 12);
    }
  });
});

/** Names of fields that are null in an object that gives no reason for anything. */
function unexplained(value: Answer, path = ''): string[] {
  if (typeof value !== 'object' || value === null) return [];
  const explains = Object.keys(value).some((key) => key.includes('reason'));
  return Object.entries(value).flatMap(([key, field]) =>
    field === null
      ? explains || Array.isArray(value)
        ? []
        : [`${path}.${key}`]
      : unexplained(field, `${path}.${key}`),
  );
}
