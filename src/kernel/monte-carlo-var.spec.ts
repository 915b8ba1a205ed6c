import { describe, expect, it } from '@jest/globals';
import { cholesky } from './cholesky.js';
import { covarianceMatrix } from './covariance-matrix.js';
import { excessKurtosis } from './excess-kurtosis.js';
import { mean } from './mean.js';
import { monteCarloVar } from './monte-carlo-var.js';
import { parametricExpectedShortfall } from './parametric-expected-shortfall.js';
import { parametricVar } from './parametric-var.js';
import { simulatePaths } from './simulate-paths.js';
import { skewness } from './skewness.js';
import { studentTTail } from './student-t-tail.js';
import { quadraticForm, symmetricMatrix } from './symmetric-matrix.js';
import { variance } from './variance.js';

const covariance = symmetricMatrix([
  [4e-4, 1e-4, -0.5e-4],
  [1e-4, 1e-4, 0.2e-4],
  [-0.5e-4, 0.2e-4, 2.5e-4],
]);
const exposures = [100_000, 50_000, -40_000];
const sigma = Math.sqrt(quadraticForm(covariance, exposures));
const base = { covariance, exposures, confidence: 0.99, paths: 200_000, seed: 42 };

describe('Monte Carlo VaR', () => {
  it.each([1, 2, 20260101])(
    'of normal returns meets the formula within four standard errors, seed %d',
    (seed) => {
      const result = monteCarloVar({ ...base, seed, means: [0.001, 0, 0.0005], horizonDays: 5 });
      const drift = 100_000 * 0.001 - 40_000 * 0.0005;
      const exact = parametricVar(drift, sigma, 0.99, 5);
      expect(result.standardError).toBeGreaterThan(0);
      expect(Math.abs(result.var - exact)).toBeLessThan(4 * result.standardError!);
      const shortfall = parametricExpectedShortfall(drift, sigma, 0.99, 5);
      expect(Math.abs(result.expectedShortfall - shortfall)).toBeLessThan(6 * result.standardError!);
    },
  );

  it('of t returns meets the scaled t: one χ² per path keeps the joint tail', () => {
    const result = monteCarloVar({ ...base, degreesOfFreedom: 4 });
    const exact = studentTTail(0, sigma, 4, 0.99);
    expect(Math.abs(result.var - exact.var)).toBeLessThan(4 * result.standardError!);
    expect(Math.abs(result.expectedShortfall / exact.expectedShortfall - 1)).toBeLessThan(0.05);
  });

  it('states a standard error that is the spread of VaR over seeds', () => {
    const runs = Array.from({ length: 60 }, (_, i) =>
      monteCarloVar({ ...base, paths: 20_000, seed: 1000 + i }),
    );
    const spread = Math.sqrt(variance(runs.map((r) => r.var)));
    const stated = mean(runs.map((r) => r.standardError!));
    expect(stated / spread).toBeGreaterThan(0.7);
    expect(stated / spread).toBeLessThan(1.45);
  });

  it('gives the same bits for the same seed, other bits for another', () => {
    const a = monteCarloVar({ ...base, paths: 10_000 });
    expect(monteCarloVar({ ...base, paths: 10_000 })).toEqual(a);
    expect(monteCarloVar({ ...base, paths: 10_000, seed: 43 }).var).not.toBe(a.var);
    expect(monteCarloVar({ ...base, paths: 10_000, seed: 42 + 2 ** 40 }).var).not.toBe(a.var);
  });

  it('full scenarios and the projection agree to rounding', () => {
    const full = monteCarloVar({ ...base, fullScenarios: true, degreesOfFreedom: 5, antithetic: true });
    const projected = monteCarloVar({ ...base, degreesOfFreedom: 5, antithetic: true });
    expect(Math.abs(full.var / projected.var - 1)).toBeLessThan(1e-12);
  });

  it('takes a perfect hedge, a duplicate asset and an impossible matrix', () => {
    const twin = symmetricMatrix([
      [1e-4, 1e-4],
      [1e-4, 1e-4],
    ]);
    const hedge = monteCarloVar({
      covariance: twin,
      exposures: [1000, -1000],
      confidence: 0.99,
      paths: 2000,
    });
    expect(hedge.var + 0).toBe(0);
    expect(hedge.repair).toBe('semidefinite');
    const impossible = symmetricMatrix([
      [1, 2],
      [2, 1],
    ]);
    expect(
      monteCarloVar({ covariance: impossible, exposures: [1, 1], confidence: 0.9, paths: 2000 }).repair,
    ).toBe('clipped_eigenvalues');
  });

  describe('by scrambled Sobol points', () => {
    const sobol = { ...base, paths: 65_536, sampling: 'sobol' } as const;

    it('meets the formulas within four standard errors, which are far below those of random paths', () => {
      const result = monteCarloVar({ ...sobol, means: [0.001, 0, 0.0005], horizonDays: 5 });
      const drift = 100_000 * 0.001 - 40_000 * 0.0005;
      const random = monteCarloVar({ ...base, paths: 65_536, horizonDays: 5 });
      expect(result.standardError).toBeGreaterThan(0);
      expect(result.standardError!).toBeLessThan(random.standardError! / 15);
      const exact = parametricVar(drift, sigma, 0.99, 5);
      expect(Math.abs(result.var - exact)).toBeLessThan(4 * result.standardError!);
      const shortfall = parametricExpectedShortfall(drift, sigma, 0.99, 5);
      expect(Math.abs(result.expectedShortfall / shortfall - 1)).toBeLessThan(1e-3);
      const t = monteCarloVar({ ...sobol, degreesOfFreedom: 4 });
      expect(Math.abs(t.var - studentTTail(0, sigma, 4, 0.99).var)).toBeLessThan(4 * t.standardError!);
    });

    it('states a standard error that is the spread of VaR over seeds', () => {
      for (const [paths, confidence] of [
        [4_096, 0.95],
        [8_192, 0.99],
      ] as const) {
        const runs = Array.from({ length: 80 }, (_, i) =>
          monteCarloVar({ ...sobol, paths, confidence, seed: 1000 + i }),
        );
        const exact = parametricVar(0, sigma, confidence);
        const spread = Math.sqrt(variance(runs.map((r) => r.var)));
        const stated = Math.sqrt(mean(runs.map((r) => r.standardError! ** 2)));
        expect(stated / spread).toBeGreaterThan(0.7);
        expect(stated / spread).toBeLessThan(1.45);
        // An order statistic of points spread so evenly is up to a rank off on average: less than the error stated.
        expect(Math.abs(mean(runs.map((r) => r.var)) - exact)).toBeLessThan(0.75 * stated);
      }
    });

    it('takes more factors than there are dimensions, the rest by random numbers', () => {
      const size = 300;
      const data = Float64Array.from({ length: size * size }, (_, i) => (i % (size + 1) === 0 ? 1e-4 : 3e-5));
      const wide = {
        covariance: { size, data },
        exposures: new Float64Array(size).fill(1),
        confidence: 0.99,
      };
      const result = monteCarloVar({ ...wide, paths: 8_192, sampling: 'sobol' });
      const exact = parametricVar(0, Math.sqrt(quadraticForm(wide.covariance, wide.exposures)), 0.99);
      expect(Math.abs(result.var - exact)).toBeLessThan(5 * result.standardError!);
      const again = monteCarloVar({ ...wide, paths: 8_192, sampling: 'sobol', fullScenarios: true });
      expect(Math.abs(again.var / result.var - 1)).toBeLessThan(1e-12);
    });

    it('says nothing of an error that it cannot see, and refuses paths that are no power of two', () => {
      expect(monteCarloVar({ ...sobol, paths: 4_096, confidence: 0.9999 }).standardError).toBeNull();
      expect(() => monteCarloVar({ ...sobol, paths: 100_000 })).toThrow(/power of two/);
      expect(() => monteCarloVar({ ...sobol, paths: 2_048 })).toThrow(/power of two/);
      expect(() => monteCarloVar({ ...sobol, antithetic: true })).toThrow(RangeError);
    });
  });

  it('refuses what has no answer', () => {
    expect(() => monteCarloVar({ ...base, degreesOfFreedom: 2 })).toThrow(RangeError);
    expect(() => monteCarloVar({ ...base, confidence: 95 })).toThrow(RangeError);
    expect(() => monteCarloVar({ ...base, exposures: [1, Number.NaN, 1] })).toThrow(RangeError);
    expect(() => monteCarloVar({ ...base, exposures: [1, 1] })).toThrow(RangeError);
    expect(() => monteCarloVar({ ...base, paths: 0 })).toThrow(RangeError);
    expect(() => monteCarloVar({ ...base, seed: -1 })).toThrow(RangeError);
  });
});

describe('simulatePaths', () => {
  const spec = {
    factor: cholesky(covariance),
    means: [0, 0, 0],
    exposures,
    horizonDays: 1,
    paths: 100_000,
    seed: 7,
    degreesOfFreedom: null,
    antithetic: false,
  };

  it('draws normal deviates: mean, variance, skewness, kurtosis, and the covariance asked for', () => {
    const columns = exposures.map(() => new Float64Array(spec.paths));
    simulatePaths(spec, columns);
    for (const column of columns) {
      const sd = Math.sqrt(variance(column));
      expect(Math.abs(mean(column) / sd)).toBeLessThan(0.015);
      expect(Math.abs(skewness(column))).toBeLessThan(0.035);
      expect(Math.abs(excessKurtosis(column))).toBeLessThan(0.07);
    }
    const sample = covarianceMatrix(columns);
    for (let k = 0; k < 9; k++) {
      expect(Math.abs(sample.data[k]! - covariance.data[k]!)).toBeLessThan(5e-6);
    }
  });

  it('a path does not depend on how many follow it', () => {
    const few = simulatePaths({ ...spec, paths: 300 });
    const many = simulatePaths({ ...spec, paths: 5000 });
    expect([...few]).toEqual([...many.subarray(0, 300)]);
  });

  it('antithetic paths are mirror images within a block, with one χ² for both', () => {
    const pnl = simulatePaths({ ...spec, antithetic: true, degreesOfFreedom: 6, paths: 1000 });
    for (let p = 0; p < 128; p++) expect(pnl[p]).toBe(-pnl[p + 128]!);
    expect(mean(pnl.subarray(0, 768))).toBeCloseTo(0, 6);
  });

  it('takes any number of assets, also none of a multiple of four', () => {
    for (const n of [1, 2, 4, 5, 13]) {
      const rows = Array.from({ length: n }, (_, i) =>
        Array.from({ length: n }, (_, j) => (i === j ? 1e-4 : 0.3e-4)),
      );
      const factor = cholesky(symmetricMatrix(rows));
      const columns = rows.map(() => new Float64Array(1000));
      const weights = rows.map((_, i) => 1 + i);
      const pnl = simulatePaths(
        { ...spec, factor, means: weights.map(() => 0.001), exposures: weights, paths: 1000 },
        columns,
      );
      for (const p of [0, 3, 255, 256, 999]) {
        const sum = weights.reduce((s, w, i) => s + w * columns[i]![p]!, 0);
        expect(pnl[p]).toBeCloseTo(sum, 12);
      }
    }
  });
});
