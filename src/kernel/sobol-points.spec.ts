import { describe, expect, it } from '@jest/globals';
import { golden } from '../../test/golden/risk/golden.js';
import { SobolPoints, sobolDimensions } from './sobol-points.js';

describe('SobolPoints', () => {
  it('without scrambling are those of Joe and Kuo, in any order of asking', () => {
    const points = new SobolPoints(sobolDimensions);
    const point = new Uint32Array(sobolDimensions);
    for (const [index, dimension, coordinate] of golden.sobol.rows) {
      points.seek(index);
      points.next(point);
      expect(point[dimension]! / 2 ** 32).toBe(coordinate);
    }
    const run = new SobolPoints(sobolDimensions);
    for (let i = 0; i < 1024; i++) {
      run.next(point);
      for (const [index, dimension, coordinate] of golden.sobol.rows) {
        if (index === i) expect(point[dimension]! / 2 ** 32).toBe(coordinate);
      }
    }
  });

  it('scrambled keep their balance: every 2^k points have one in each of 2^k equal intervals of every dimension', () => {
    const count = 256;
    for (const stream of [1, 2, 3]) {
      const points = new SobolPoints(20, { seed: 7, stream });
      const seen = Array.from({ length: 20 }, () => new Set<number>());
      const point = new Uint32Array(20);
      for (let i = 0; i < count; i++) {
        points.next(point);
        point.forEach((x, d) => {
          seen[d]!.add(x >>> 24);
        });
      }
      for (const intervals of seen) expect(intervals.size).toBe(count);
    }
  });

  it('scrambled differ by stream and seed, and the first point is as uniform as any', () => {
    const first = (seed: number, stream: number): number => {
      const point = new Uint32Array(3);
      new SobolPoints(3, { seed, stream }).next(point);
      return point[2]! / 2 ** 32;
    };
    expect(first(1, 1)).toBe(first(1, 1));
    const values = Array.from({ length: 400 }, (_, stream) => first(5, stream));
    expect(new Set(values).size).toBe(400);
    expect(Math.abs(values.reduce((a, b) => a + b) / 400 - 0.5)).toBeLessThan(4 / Math.sqrt(12 * 400));
  });

  it('refuses dimensions without direction numbers', () => {
    expect(() => new SobolPoints(0)).toThrow(RangeError);
    expect(() => new SobolPoints(sobolDimensions + 1)).toThrow(RangeError);
  });
});
