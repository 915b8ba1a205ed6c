import { describe, expect, it } from '@jest/globals';
import { golden, relativeError } from '../../test/golden/risk/golden.js';
import { cholesky } from './cholesky.js';
import { conditionNumber } from './condition-number.js';
import { correlationMatrix } from './correlation-matrix.js';
import { covarianceMatrix } from './covariance-matrix.js';
import { ewmaCovariance } from './ewma-covariance.js';
import { ledoitWolfCovariance } from './ledoit-wolf-covariance.js';
import { repairCovariance } from './repair-covariance.js';
import { symmetricEigen } from './symmetric-eigen.js';
import { quadraticForm, symmetricMatrix } from './symmetric-matrix.js';
import { variance } from './variance.js';

const { returns } = golden.market;
const flat = (m: readonly (readonly number[])[]): number[] => m.flat();

/** Deterministic noise in (−1, 1). */
const noise = (i: number): number => (Math.sin(i * 12.9898 + 1) * 43758.5453) % 1;

describe('covariance estimators', () => {
  it('equal numpy, pandas and scikit-learn', () => {
    const { covariance } = golden;
    expect(relativeError(covarianceMatrix(returns).data, flat(covariance.sample))).toBeLessThan(1e-12);
    expect(relativeError(ewmaCovariance(returns).data, flat(covariance.ewma))).toBeLessThan(1e-11);
    const shrunk = ledoitWolfCovariance(returns);
    expect(relativeError([shrunk.shrinkage], [covariance.shrinkage])).toBeLessThan(1e-10);
    expect(relativeError(shrunk.data, flat(covariance.ledoit_wolf))).toBeLessThan(1e-11);
    const wide = ledoitWolfCovariance(golden.ledoit_wolf_wide.series);
    expect(relativeError([wide.shrinkage], [golden.ledoit_wolf_wide.shrinkage])).toBeLessThan(1e-10);
    expect(relativeError(wide.data, flat(golden.ledoit_wolf_wide.covariance))).toBeLessThan(1e-10);
    const correlation = correlationMatrix(covarianceMatrix(returns));
    expect(relativeError(correlation.data, flat(covariance.correlation))).toBeLessThan(1e-12);
  });

  it('cov(x, x) is var(x), a duplicate asset and a constant one are legal', () => {
    const x = returns[0]!;
    const { data } = covarianceMatrix([x, x, x.map(() => 0.1)]);
    expect(
      relativeError([data[0]!, data[1]!, data[4]!], [variance(x), variance(x), variance(x)]),
    ).toBeLessThan(1e-14);
    expect([data[2], data[5], data[8]]).toEqual([0, 0, 0]);
    const correlation = correlationMatrix({ size: 3, data });
    expect(correlation.data[1]).toBeCloseTo(1, 14);
    expect(correlation.data[2]).toBeNaN();
  });

  it('the blocked SIMD path equals plain sums at every awkward size', () => {
    for (const [assets, rows] of [
      [20, 129],
      [31, 257],
      [50, 1],
      [64, 500],
      [121, 130],
    ] as const) {
      const series = Array.from({ length: assets }, (_, i) =>
        Float64Array.from({ length: rows }, (_, t) => noise(i * 1009 + t)),
      );
      const { data } = covarianceMatrix(series, 0);
      for (const [i, j] of [
        [0, 0],
        [assets - 1, 0],
        [assets - 1, assets - 1],
        [assets >> 1, assets - 2],
      ] as const) {
        const mi = series[i]!.reduce((a, b) => a + b, 0) / rows;
        const mj = series[j]!.reduce((a, b) => a + b, 0) / rows;
        const expected = series[i]!.reduce((s, v, t) => s + (v - mi) * (series[j]![t]! - mj), 0) / rows;
        expect(data[i * assets + j]).toBeCloseTo(expected, 12);
        expect(data[j * assets + i]).toBe(data[i * assets + j]);
      }
    }
  });

  it('refuse series of unequal length, none, one observation, NaN', () => {
    expect(() => covarianceMatrix([[1, 2], [1]])).toThrow(RangeError);
    expect(() => covarianceMatrix([])).toThrow(RangeError);
    expect(() => covarianceMatrix([[1]])).toThrow(RangeError);
    expect(() => ledoitWolfCovariance([[1, Number.NaN]])).toThrow(RangeError);
    expect(() => ewmaCovariance([[1, 2]], 1)).toThrow(RangeError);
  });
});

describe('factorisations', () => {
  it('equal numpy: eigenvalues, condition number, Cholesky', () => {
    const sample = covarianceMatrix(returns);
    expect(relativeError(symmetricEigen(sample).values, golden.covariance.eigenvalues)).toBeLessThan(1e-11);
    expect(relativeError([conditionNumber(sample)!], [golden.covariance.condition])).toBeLessThan(1e-10);
    const { lower, repair } = cholesky(sample);
    expect(repair).toBe('none');
    expect(relativeError(lower, flat(golden.covariance.cholesky))).toBeLessThan(1e-11);
  });

  it('eigenvectors rebuild a matrix of 60, and are orthonormal', () => {
    const n = 60;
    const series = Array.from({ length: n }, (_, i) =>
      Array.from({ length: 80 }, (_, t) => noise(i * 331 + t)),
    );
    const matrix = covarianceMatrix(series);
    const { values, vectors } = symmetricEigen(matrix);
    for (const [i, j] of [
      [0, 0],
      [3, 57],
      [59, 59],
    ] as const) {
      let sum = 0;
      let product = 0;
      for (let k = 0; k < n; k++) {
        sum += values[k]! * vectors[k * n + i]! * vectors[k * n + j]!;
        product += vectors[i * n + k]! * vectors[j * n + k]!;
      }
      expect(sum).toBeCloseTo(matrix.data[i * n + j]!, 12);
      expect(product).toBeCloseTo(i === j ? 1 : 0, 12);
    }
  });

  it('names what a singular and an indefinite matrix needed', () => {
    const x = returns[0]!;
    const singular = cholesky(covarianceMatrix([x, x, x.map((v) => -v), x.map(() => 0)]));
    expect([singular.repair, singular.rank]).toEqual(['semidefinite', 1]);
    const impossible = symmetricMatrix([
      [1, 0.9, -0.9],
      [0.9, 1, 0.9],
      [-0.9, 0.9, 1],
    ]);
    const fixed = cholesky(impossible);
    expect(fixed.repair).toBe('clipped_eigenvalues');
    const n = 3;
    for (let i = 0; i < n; i++) {
      let square = 0;
      for (let k = 0; k < n; k++) square += fixed.lower[i * n + k]! ** 2;
      expect(square).toBeCloseTo(1, 9);
    }
    expect(conditionNumber(covarianceMatrix([x, x]))).toBeNull();
  });

  it('repairs an indefinite matrix as numpy does, and leaves a covariance alone', () => {
    const g = golden.psd_repair;
    const given = symmetricMatrix(g.matrix);
    const { matrix, repair } = repairCovariance(given);
    expect(repair).toBe('clipped_eigenvalues');
    expect(relativeError(matrix.data, g.repaired.flat())).toBeLessThan(1e-9);
    expect(g.variance).toBeLessThan(0);
    const variance = quadraticForm(matrix, g.exposures);
    expect(relativeError([variance], [g.repaired_variance])).toBeLessThan(1e-9);
    const sound = covarianceMatrix(returns);
    expect(repairCovariance(sound)).toEqual({ matrix: sound, repair: 'none' });
  });

  it('refuses a matrix that is not square, not symmetric, not finite, or has a negative variance', () => {
    expect(() => symmetricMatrix([[1, 2]])).toThrow(RangeError);
    expect(() =>
      symmetricMatrix([
        [1, 2],
        [3, 1],
      ]),
    ).toThrow(/differ/);
    expect(() => symmetricMatrix([[Number.NaN]])).toThrow(RangeError);
    expect(() => symmetricMatrix([[-1]])).toThrow(/variance/);
  });
});
