import { describe, expect, it } from '@jest/globals';
import { shapeOf } from './cornish-fisher-components.js';

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
