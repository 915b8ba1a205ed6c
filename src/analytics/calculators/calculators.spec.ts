import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, describe, expect, it } from '@jest/globals';
import { Metrics } from '../../observability/metrics.js';
import { AnalyticsEngine } from '../analytics-engine.js';
import type { PortfolioState } from '../portfolio-state.js';
import type { Calculator, CalculatorInput, LightCalculator } from './calculator.js';
import { CalculatorRegistry } from './calculator-registry.js';
import { CalculatorRunner, type RunnerLimits } from './calculator-runner.js';
import { rangePosition } from './range-position.calculator.js';
import { realisedVolatility } from './realised-volatility.calculator.js';
import { turnover } from './turnover.calculator.js';

const module = (name: string): string => new URL(`../../../test/factories/${name}`, import.meta.url).href;
const heavy = (name: string, file = 'heavy.calculator.mjs'): Calculator => ({
  name,
  description: name,
  version: '1',
  need: 1,
  module: module(file),
});
const light = (name: string, compute: LightCalculator['compute'], need = 1): LightCalculator => ({
  name,
  description: name,
  version: '1',
  need,
  compute,
});

const runners: CalculatorRunner[] = [];
afterEach(async () => {
  await Promise.all(runners.splice(0).map((runner) => runner.close()));
});

function setUp(calculators: Calculator[], limits: Partial<RunnerLimits> = {}) {
  const engine = new AnalyticsEngine();
  const metrics = new Metrics();
  const disabled: string[] = [];
  const runner = new CalculatorRunner(
    new CalculatorRegistry(calculators),
    metrics,
    (name) => disabled.push(name),
    limits,
  );
  runners.push(runner);
  let seq = 0;
  const portfolio = (id: string): PortfolioState => {
    engine.applyChange({
      kind: 'put',
      portfolio: {
        id,
        name: id,
        currency: 'USD',
        positions: [{ symbol: 'A', quantity: 1 }],
        revision: 0,
        updatedAtMs: 0,
      },
    });
    return engine.state(id)!;
  };
  const tick = (price: number): void => {
    seq++;
    engine.applyTick({ symbol: 'A', price, tsMs: seq, size: null, sourceId: null, seq });
  };
  return { runner, metrics, disabled, portfolio, tick };
}

describe('CalculatorRunner', () => {
  it('gives each calculator the window and puts its result under its name', () => {
    const { runner, portfolio, tick } = setUp([
      light('sum', ({ values }) => ({ value: values.reduce((a, b) => a + b, 0), n: values.length })),
      light('patient', () => ({ value: 1 }), 5),
    ]);
    const state = portfolio('P');
    for (const price of [1, 2, 4]) tick(price);
    expect(runner.fresh(state)).toEqual({
      sum: { value: 7, n: 3, as_of: '1970-01-01T00:00:00.003Z' },
      patient: { value: null, reason: 'warming_up: needs 5 values, has 3' },
    });
  });

  it('isolates a calculator that throws or answers nonsense, and switches it off after repeated failure', () => {
    let healthy = false;
    const { runner, metrics, disabled, portfolio, tick } = setUp(
      [
        light('throws', () => {
          throw new Error('boom');
        }),
        light('nonsense', () => ({ value: Number.NaN })),
        light('recovers', () => {
          if (healthy) return { value: 1 };
          throw new Error('not yet');
        }),
        light('fine', () => ({ value: 42 })),
      ],
      { maxFailures: 3 },
    );
    const state = portfolio('P');
    for (let i = 1; i <= 5; i++) {
      healthy = i === 2;
      tick(i);
      expect(runner.fresh(state).fine).toMatchObject({ value: 42 });
    }
    expect(disabled).toEqual(['throws', 'nonsense', 'recovers']);
    expect(runner.fresh(state).throws).toEqual({
      value: null,
      reason: 'switched off after 3 failures: boom',
    });
    expect(runner.health().get('throws')).toMatchObject({ runs: 3, disabled: true, lastError: 'boom' });
    expect(runner.health().get('recovers')).toMatchObject({ runs: 5 });
    const off = metrics.read('tidewatch_calculator_disabled').filter((s) => s.value === 1);
    expect(off.map((s) => s.labels.calculator)).toEqual(['throws', 'nonsense', 'recovers']);
  });

  it('keeps what one calculator does to its input and its result from all others', () => {
    const mine: { value: number; seen: Float64Array }[] = [];
    const { runner, portfolio, tick } = setUp([
      light('spoils', ({ values, times, flows }) => {
        const result = { value: 1, seen: values.subarray(0, 1) };
        mine.push(result);
        values.fill(Number.NaN, 1);
        times.fill(0);
        (flows as number[]).push(1e9);
        return result;
      }),
      light('reads', ({ values, times, flows }) => ({
        value: values[1]!,
        times: times[1]!,
        flows: flows.length,
      })),
    ]);
    const state = portfolio('P');
    tick(5);
    tick(7);
    const results = runner.fresh(state);
    mine[0]!.value = Number.NaN;
    expect(results).toMatchObject({
      spoils: { value: 1, seen: { 0: 5 } },
      reads: { value: 7, times: 2, flows: 0 },
    });
  });

  it('says how old a result is that is older than its summary', () => {
    const { runner, portfolio, tick } = setUp(
      [light('newest', ({ values }) => ({ value: values.at(-1)! }))],
      {
        renewMs: 60_000,
      },
    );
    const state = portfolio('P');
    tick(5);
    runner.latest(state);
    tick(6);
    expect(runner.latest(state).newest).toEqual({ value: 5, as_of: '1970-01-01T00:00:00.001Z' });
    expect(runner.fresh(state).newest).toEqual({ value: 6, as_of: '1970-01-01T00:00:00.002Z' });
  });

  it.each([
    ['becomes text as JSON', { value: 1, toJSON: () => 'text' }, 'the result is not an object'],
    ['becomes nothing as JSON', { value: 1, toJSON: () => undefined }, 'the result is not plain data'],
    ['loses its value as JSON', { value: 1, toJSON: () => ({}) }, 'neither a finite number nor null'],
    ['is too long', { value: 1, text: 'x'.repeat(5_000) }, 'longer than 4096'],
  ])('refuses a result that %s', (_, result, reason) => {
    const { runner, portfolio, tick } = setUp([light('odd', () => result)]);
    const state = portfolio('P');
    tick(1);
    expect(runner.fresh(state).odd?.reason).toContain(reason);
  });

  it('survives a calculator that throws what cannot be read', () => {
    const { runner, portfolio, tick } = setUp([
      light('odd', () => {
        throw Object.create(null);
      }),
    ]);
    const state = portfolio('P');
    tick(1);
    expect(runner.fresh(state).odd?.reason).toBe('failed: an error that cannot be read');
  });

  it('refuses a promise and hears its rejection, which would end the process', async () => {
    const { runner, disabled, portfolio, tick } = setUp(
      [light('later', (async () => Promise.reject(new Error('too late'))) as never)],
      { maxFailures: 1 },
    );
    tick(1);
    const state = portfolio('P');
    tick(2);
    expect(runner.fresh(state).later?.reason).toContain('promise');
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(disabled).toEqual(['later']);
  });

  it('counts a calculator that takes too long as failed', () => {
    const { runner, disabled, portfolio, tick } = setUp(
      [
        light('slow', () => {
          for (const end = performance.now() + 8; performance.now() < end; );
          return { value: 1 };
        }),
      ],
      { lightBudgetMs: 5, maxFailures: 2 },
    );
    const state = portfolio('P');
    tick(1);
    runner.fresh(state);
    tick(2);
    runner.fresh(state);
    expect(disabled).toEqual(['slow']);
  });

  it('renews results for publications now and then only, and for answers whenever something changed', () => {
    let runs = 0;
    const { runner, portfolio, tick } = setUp([light('counts', () => ({ value: ++runs }))], {
      renewMs: 60_000,
    });
    const state = portfolio('P');
    for (let i = 1; i <= 4; i++) {
      tick(i);
      runner.latest(state);
    }
    expect(runs).toBe(1);
    expect(runner.fresh(state)).toMatchObject({ counts: { value: 2 } });
    runner.fresh(state);
    expect(runs).toBe(2);
  });

  it('runs heavy calculators on a worker thread and stops those that hang', async () => {
    const { runner, portfolio, tick, metrics } = setUp([heavy('heavy')], { heavyTimeoutMs: 3_000 });
    const states = ['P', 'FAILS', 'HANGS'].map(portfolio);
    tick(5);
    for (const state of states) expect(runner.fresh(state).heavy?.reason).toBe('not computed yet');
    const outcomes = (): number =>
      metrics.read('tidewatch_calculator_runs_total').reduce((sum, { value }) => sum + value, 0);
    for (const end = Date.now() + 15_000; outcomes() < 3 && Date.now() < end; ) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(states.map((state) => runner.latest(state).heavy)).toMatchObject([
      { value: 1, thread: 'worker' },
      { value: null, reason: 'failed: no luck' },
      { value: null, reason: 'failed: took more than 3000 ms' },
    ]);
  }, 30_000);

  it('switches off a heavy calculator that ends its thread after or during its runs', async () => {
    for (const [id, reason] of [
      ['STRAYS', 'switched off after 2 failures: ended its thread: stray'],
      ['LEAVES', 'switched off after 2 failures: ended its thread: left behind'],
      ['EXITS', 'switched off after 2 failures: ended its thread: '],
    ]) {
      const { runner, portfolio, tick, disabled } = setUp([heavy('heavy')], { maxFailures: 2 });
      const state = portfolio(id!);
      for (const end = Date.now() + 15_000; disabled.length === 0 && Date.now() < end; ) {
        tick(5);
        runner.fresh(state);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      tick(6);
      expect(runner.fresh(state).heavy?.reason).toContain(reason);
    }
  }, 40_000);

  it.each([
    ['LEAVES', ['heavy']],
    ['HANGS', ['heavy']],
    ['FAILS', []],
  ])(
    'a good run ends a row of failures, of ended threads only after a while: %s',
    async (id, expected) => {
      const { runner, portfolio, tick, disabled } = setUp([heavy('heavy')], {
        maxFailures: 2,
        heavyTimeoutMs: 3_000,
      });
      const states = [id, 'P', `${id}2`].map(portfolio);
      tick(5);
      for (const state of states) runner.fresh(state);
      const runs = (): number => runner.health().get('heavy')!.runs;
      for (const end = Date.now() + 30_000; runs() < 3 && Date.now() < end; )
        await new Promise((resolve) => setTimeout(resolve, 20));
      expect(runs()).toBe(3);
      expect(disabled).toEqual(expected);
    },
    40_000,
  );

  it('lets no heavy calculator fail for what another one left behind', async () => {
    const { runner, portfolio, tick, disabled } = setUp(
      [heavy('strays'), heavy('steady', 'steady.calculator.mjs')],
      { maxFailures: 3 },
    );
    const state = portfolio('STRAYS');
    for (const end = Date.now() + 15_000; disabled.length === 0 && Date.now() < end; ) {
      tick(5);
      runner.fresh(state);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(disabled).toEqual(['strays']);
    expect(runner.health().get('steady')).toMatchObject({ lastError: null });
    expect(runner.fresh(state).steady?.value).toBeGreaterThan(0);
  }, 20_000);

  it('does not run a calculator again for those who waited when it was switched off, and tells them all', async () => {
    const { runner, portfolio, tick, disabled } = setUp([heavy('heavy')], {
      heavyTimeoutMs: 200,
      maxFailures: 2,
    });
    const states = ['HANGS1', 'HANGS2', 'HANGS3', 'HANGS4', 'HANGS5'].map(portfolio);
    tick(5);
    for (const state of states) runner.fresh(state);
    for (const end = Date.now() + 15_000; disabled.length === 0 && Date.now() < end; )
      await new Promise((resolve) => setTimeout(resolve, 20));
    // No further tick: what they were told before is out of date all the same.
    for (const state of states) expect(runner.fresh(state).heavy?.reason).toContain('switched off after 2');
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(runner.health().get('heavy')).toMatchObject({ runs: 2 });
  }, 20_000);

  it('runs what found no place in the queue when it is asked for again', async () => {
    const { runner, portfolio, tick } = setUp([heavy('heavy')], { maxWaiting: 1 });
    const states = ['P', 'Q'].map(portfolio);
    tick(5);
    const values = (): unknown[] => states.map((state) => runner.fresh(state).heavy?.value);
    for (const end = Date.now() + 15_000; values().includes(null) && Date.now() < end; )
      await new Promise((resolve) => setTimeout(resolve, 20));
    expect(values()).toEqual([1, 1]);
  }, 20_000);
});

describe('CalculatorRegistry', () => {
  it('loads modules by path and names the one that is wrong', async () => {
    const registry = new CalculatorRegistry();
    await registry.load([fileURLToPath(module('light.calculator.mjs'))]);
    expect([...registry.all()].map((c) => c.name)).toEqual(['newest_squared']);
    await expect(registry.load([fileURLToPath(module('heavy.calculator.mjs'))])).rejects.toThrow(
      'heavy.calculator.mjs: its default export is not an object',
    );
    await expect(registry.load(['/nowhere.mjs'])).rejects.toThrow('/nowhere.mjs');
  });

  it('refuses what is no calculator', () => {
    const registry = new CalculatorRegistry([turnover]);
    expect(() => registry.register(turnover)).toThrow('already');
    expect(() => registry.register(light('Bad Name', () => ({ value: 1 })))).toThrow('no name');
    expect(() => registry.register(light('zero', () => ({ value: 1 }), 0))).toThrow('need must be');
    expect(() => registry.register(light('endless', () => ({ value: 1 }), 10_001))).toThrow('need must be');
    expect(() => registry.register({ ...heavy('relative'), module: './x.mjs' })).toThrow('file: URL');
    expect(() => registry.register({ name: 'x', description: 'x', version: '1', need: 1 } as never)).toThrow(
      'neither',
    );
  });
});

describe('docs/calculators.md', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tidewatch-calculators-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  it('has examples that work as they are written', async () => {
    const page = readFileSync(new URL('../../../docs/calculators.md', import.meta.url), 'utf8');
    const files = [...page.matchAll(/```js\n\/\/ (\S+\.mjs)\n([\s\S]*?)```/g)].map(
      ([, name = '', code = '']) => {
        writeFileSync(join(folder, name), code);
        return join(folder, name);
      },
    );
    const registry = new CalculatorRegistry([realisedVolatility, turnover, rangePosition]);
    await registry.load(files.filter((name) => !name.endsWith('-compute.mjs')));
    const own = [...registry.all()].slice(3);
    expect(own.map(({ name }) => name)).toEqual(['share_above_mean', 'hurst']);
    const { runner, portfolio, tick } = setUp(own);
    const state = portfolio('P');
    for (let i = 0; i < 1_024; i++) tick(100 + ((i * 7_919) % 12));
    expect(runner.fresh(state).share_above_mean?.value).toBeCloseTo(0.5, 2);
    for (const end = Date.now() + 15_000; runner.fresh(state).hurst?.value === null && Date.now() < end; )
      await new Promise((resolve) => setTimeout(resolve, 20));
    // A series that turns back each time: far below the 0.5 of one without memory.
    expect(runner.fresh(state).hurst?.value).toBeLessThan(0.3);
  }, 20_000);
});

const input = (values: number[], everyMs: number, flows: number[] = []): CalculatorInput => ({
  portfolioId: 'P',
  currency: 'USD',
  values: Float64Array.from(values),
  times: Float64Array.from(values, (_, i) => i * everyMs),
  flows,
});

describe('calculators that are shipped', () => {
  it('realised volatility does not depend on how often ticks come', () => {
    const bars = Array.from({ length: 400 }, (_, i) => 100 * (1 + 0.001 * ((i * 7919) % 13) - 0.006));
    const sparse = realisedVolatility.compute(input(bars, 60_000));
    const dense = realisedVolatility.compute(
      input(
        bars.flatMap((v) => [v, v, v, v]),
        15_000,
      ),
    );
    expect(sparse).toMatchObject({ bar_ms: 900_000 });
    expect(dense.bar_ms).toBe(sparse.bar_ms);
    expect(dense.value).toBeCloseTo(sparse.value!, 10);
  });

  it('realised volatility of alternating log returns of 1 % a minute is 1 % times the root of the minutes of a year', () => {
    const values = Array.from({ length: 30 }, (_, i) => 100 * Math.exp(i % 2 === 0 ? 0 : 0.01));
    const result = realisedVolatility.compute(input(values, 60_000));
    expect(result).toMatchObject({ bar_ms: 60_000, bars: 30 });
    expect(result.value).toBeCloseTo(0.01 * Math.sqrt(525_960), 9);
  });

  it('realised volatility has a reason where it is undefined', () => {
    expect(realisedVolatility.compute(input([1, -1, 1], 1_000)).reason).toContain('above 0');
    expect(realisedVolatility.compute(input([1, 2, 3], 1)).reason).toContain('needs 5 bars');
  });

  it('turnover is what was moved relative to the mean value', () => {
    expect(turnover.compute(input([90, 110], 1, [30, 20]))).toEqual({ value: 0.5, moved: 50, changes: 2 });
    expect(turnover.compute(input([-1], 1)).value).toBeNull();
  });

  it('range position stands between lowest and highest', () => {
    expect(rangePosition.compute(input([10, 20, 12], 1))).toEqual({ value: 0.2 });
    expect(rangePosition.compute(input([5, 5], 1)).value).toBeNull();
  });
});
