import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { noise } from '../../../test/factories/fake-closes.js';
import { empiricalTail } from '../../kernel/empirical-tail.js';
import { mean } from '../../kernel/mean.js';
import { parametricVar } from '../../kernel/parametric-var.js';
import { portfolioReturns } from '../../kernel/portfolio-returns.js';
import { quantileStandardError } from '../../kernel/quantile-standard-error.js';
import { standardDeviation } from '../../kernel/standard-deviation.js';
import { ScenarioMemory } from '../../kernel/wasm/scenario-memory.js';
import { runPathsTask } from '../compute/paths-task.js';
import { LivePortfolio, type LiveTails } from './live-portfolio.js';
import { SharedColumns } from './scenario-sums.js';
import { StateBudget } from './state-budget.js';

const series = (assets: number, rows: number, seed = 0) =>
  Array.from({ length: assets }, (_, i) =>
    Float64Array.from({ length: rows }, (_, t) => 0.02 * noise(seed + i * 4001 + t)),
  );

function portfolio(assets: number, rows = 400, paths = 0, simd = false): LivePortfolio {
  const returns = series(assets, rows);
  const lease = { key: 'k', returns, release: () => undefined };
  const symbols = returns.map((_, i) => `S${i}`);
  const state = new LivePortfolio(symbols, new Float64Array(assets).fill(1_000), lease);
  if (paths === 0) return state;
  const columns = series(assets, paths, 99);
  const sums = simd ? new ScenarioMemory(assets, paths) : new SharedColumns(columns);
  if (sums instanceof ScenarioMemory) {
    columns.forEach((column, i) => {
      sums.returns.set(column, i * paths);
    });
  }
  state.setPaths({ sums, seed: 1, bytes: sums.bytes });
  return state;
}

function expectTruth(state: LivePortfolio, tolerance: number): void {
  const pnl = portfolioReturns(state.lease.returns, state.exposures);
  const live = state.tails();
  const scale = state.exposures.reduce((s, e) => s + Math.abs(e), 0) * 1e-6;
  const near = (a: number, b: number) =>
    expect(Math.abs(a - b) / Math.max(Math.abs(b), scale, 1e-300)).toBeLessThan(tolerance);
  [0.95, 0.99].forEach((c, i) => {
    near(live.historical[i]!.var, empiricalTail(pnl, c).var);
    near(live.historical[i]!.expectedShortfall, empiricalTail(pnl, c).expectedShortfall);
    near(live.parametric[i]!.var, parametricVar(mean(pnl), standardDeviation(pnl), c));
    if (!state.paths) return;
    const simulated = state.paths.sums.revalued(state.exposures);
    near(live.monteCarlo![i]!.var, empiricalTail(simulated, c).var);
    // From fewer order statistics on the far side, hence another estimate of the same slope.
    const [error, all] = [live.monteCarlo![i]!.standardError, quantileStandardError(simulated, c)];
    if (error !== null && all !== null) expect(error).toBeLessThanOrEqual(5 * all + 1e-12);
  });
}

/** Money, 0 included. Below about 1e-150 squares of it, as a variance has, leave the normal doubles. */
const amount = fc
  .double({ min: -1e7, max: 1e7, noNaN: true })
  .map((money) => (Math.abs(money) < 1e-100 ? 0 : money));

describe('LivePortfolio', () => {
  it('equals the full revaluation after any changes of exposures, shorts and zeros included', () => {
    const change = fc.tuple(fc.nat(6), amount);
    fc.assert(
      fc.property(fc.array(change, { maxLength: 60 }), (changes) => {
        const state = portfolio(7, 120, 500);
        for (const [asset, exposure] of changes) state.setExposure(asset, exposure);
        expectTruth(state, 1e-9);
      }),
      { numRuns: 50 },
    );
  });

  it('equals it after many changes at once, few of them or most', () => {
    const changes = fc.array(fc.option(amount, { freq: 2 }), {
      minLength: 13,
      maxLength: 13,
    });
    fc.assert(
      fc.property(fc.array(changes, { maxLength: 8 }), fc.boolean(), (rounds, simd) => {
        const state = portfolio(13, 120, 500, simd);
        for (const round of rounds) {
          const next = Float64Array.from(round, (x, i) => x ?? state.exposures[i]!);
          const others = next.filter((x, i) => x !== state.exposures[i]).length;
          expect(state.setExposures(next)).toBe(others);
          expectTruth(state, 1e-9);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('stays within 1e-9 over 300,000 ticks', () => {
    const state = portfolio(5, 200);
    for (let k = 0; k < 300_000; k++) {
      const asset = k % 5;
      state.setExposure(asset, state.exposures[asset]! * (1 + 0.001 * noise(k)));
    }
    expectTruth(state, 1e-9);
  });

  /** A and B have the same returns; the paths are simulated as live ones are. */
  function twins(exposures: number[], simd: boolean): LivePortfolio {
    const returns = [series(1, 100)[0]!, series(1, 100)[0]!, series(3, 100)[2]!];
    const lease = { key: 'k', returns, release: () => undefined };
    const state = new LivePortfolio(['A', 'B', 'C'], Float64Array.from(exposures), lease);
    const { covariance, means } = state.parametric;
    const paths = new ScenarioMemory(3, 500);
    runPathsTask({
      kind: 'paths',
      covariance,
      means,
      seed: 1,
      into: { assets: 3, observations: 500, data: paths.returns },
    });
    const columns = [0, 1, 2].map((i) => Float64Array.from(paths.returns.subarray(i * 500, (i + 1) * 500)));
    const sums = simd ? paths : new SharedColumns(columns);
    state.setPaths({ sums, seed: 1, bytes: sums.bytes });
    return state;
  }
  const figures = ({ historical, parametric, monteCarlo }: LiveTails): number[] =>
    [historical, parametric, monteCarlo!].flat().flatMap((t) => [t.var, t.expectedShortfall]);
  const nothing = new Array(12).fill(0);

  it.each([true, false])(
    'a perfect hedge has exactly no risk: at once, after many ticks, and in a what-if (SIMD %s)',
    (simd) => {
      expect(figures(twins([500, -500, 0], simd).tails()).map((x) => x + 0)).toEqual(nothing);
      const state = twins([500, -480, 30], simd);
      for (let k = 0; k < 1_000; k++) {
        state.setExposures(Float64Array.of(500 + noise(k), -480 + noise(k + 7), 30 + noise(k + 3)));
      }
      const [a, b, c] = state.exposures as unknown as [number, number, number];
      const hedge = new Map([
        [1, -a - b],
        [2, -c],
      ]);
      expect(figures(state.projected(hedge)).map((x) => x + 0)).toEqual(nothing);
      expect(state.tails().historical[1]!.var).toBeGreaterThan(0);
      state.setExposures(Float64Array.of(a, -a, 0));
      expect(figures(state.tails()).map((x) => x + 0)).toEqual(nothing);
    },
  );

  it('an empty portfolio has no risk', () => {
    const lease = { key: 'k', returns: [], release: () => undefined };
    const none = new LivePortfolio([], new Float64Array(0), lease).tails();
    expect(none.historical[1]).toEqual({ var: 0, expectedShortfall: 0 });
    expect(none.parametric[1]!.var).toBe(0);
  });

  it('changing exposures by nothing is no change', () => {
    expect(portfolio(2).setExposure(0, 1_000)).toBe(false);
  });

  it('projects changes without touching the state', () => {
    const state = portfolio(3, 300, 400);
    const before = state.tails();
    const after = state.projected(new Map([[1, 500]]));
    const exposures = Float64Array.of(1_000, 1_500, 1_000);
    const pnl = portfolioReturns(state.lease.returns, exposures);
    [0.95, 0.99].forEach((c, i) => {
      expect(Math.abs(after.historical[i]!.var - empiricalTail(pnl, c).var)).toBeLessThan(1e-9);
    });
    const deviation = standardDeviation(pnl);
    expect(after.parametric[1]!.var).toBeCloseTo(parametricVar(mean(pnl), deviation, 0.99), 8);
    expect(after.monteCarlo![1]!.var).toBeGreaterThan(0);
    expect(state.tails()).toEqual(before);
  });
});

describe('StateBudget', () => {
  it('drops paths first, then whole states, each by the longest unused', () => {
    const one = portfolio(4, 100, 1_000);
    const { bytes, pathBytes } = one;
    const budget = new StateBudget(2 * pathBytes + 3 * bytes, () => 0);
    const states = ['a', 'b', 'c'].map((id) => [id, portfolio(4, 100, 1_000)] as const);
    budget.add(...states[0]!);
    budget.add(...states[1]!);
    budget.touch('a');
    expect(budget.add(...states[2]!)).toEqual([{ id: 'b', part: 'paths' }]);
    expect(states[1]![1].paths).toBeNull();
    expect(budget.hasRoom(pathBytes)).toBe(false);
    const evicted = budget.add('d', portfolio(4, 100));
    expect(evicted).toEqual([{ id: 'a', part: 'paths' }]);
    expect(budget.bytes()).toEqual({ panels: 0, portfolios: 4 * bytes, paths: pathBytes });
    const tight = new StateBudget(2 * bytes, () => 0);
    tight.add('x', portfolio(4, 100));
    tight.add('y', portfolio(4, 100));
    expect(tight.add('z', portfolio(4, 100))).toEqual([{ id: 'x', part: 'portfolios' }]);
    tight.remove('z');
    expect(tight.bytes().portfolios).toBe(bytes);
  });
});
