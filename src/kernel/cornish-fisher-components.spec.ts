import { describe, expect, it } from '@jest/globals';
import { cornishFisherComponents, shapeOf } from './cornish-fisher-components.js';
import { standardDeviation } from './standard-deviation.js';

describe('shapeOf', () => {
  it('the shape has no unit: the same at 1e-152 and at 1e150', () => {
    const values = [0.01, -0.02, 0.005, 0.03, -0.045, 0.012];
    const shape = shapeOf(values);
    for (const scale of [2 ** -505, 2 ** 498]) {
      const scaled = shapeOf(values.map((v) => v * scale));
      expect(scaled.skewness).toBeCloseTo(shape.skewness, 12);
      expect(scaled.excessKurtosis).toBeCloseTo(shape.excessKurtosis, 12);
      expect(scaled.standardDeviation / scale / shape.standardDeviation).toBeCloseTo(1, 12);
    }
  });
});

describe('cornishFisherComponents', () => {
  const returns = [
    [0.01, -0.02, 0.005, 0.03, -0.045, 0.012],
    [-0.02, 0.01, 0.015, -0.03, 0.025, -0.002],
  ];

  it('are of degree 1 in the exposures, however small or large: no power of them leaves the range of a double', () => {
    const one = cornishFisherComponents(returns, [3, -1], 0.99);
    for (const scale of [2 ** -600, 2 ** 500]) {
      const other = cornishFisherComponents(returns, [3 * scale, -scale], 0.99);
      expect(other.total / scale / one.total).toBeCloseTo(1, 12);
      one.marginal.forEach((m, i) => {
        expect(other.marginal[i]! / m).toBeCloseTo(1, 12);
        expect(other.component[i]! / scale / one.component[i]!).toBeCloseTo(1, 12);
        expect(other.incremental[i]! / scale / one.incremental[i]!).toBeCloseTo(1, 12);
      });
      expect((other.component[0]! + other.component[1]!) / other.total).toBeCloseTo(1, 12);
    }
  });
});

describe('standardDeviation', () => {
  it('is right where the variance has no number', () => {
    const values = [1, 2, 3, 4];
    for (const scale of [2 ** -700, 2 ** 700]) {
      expect(standardDeviation(values.map((v) => v * scale)) / scale).toBeCloseTo(
        standardDeviation(values),
        12,
      );
    }
    expect(standardDeviation([1e-200, 1e-200, 1e-200])).toBe(0);
  });
});
