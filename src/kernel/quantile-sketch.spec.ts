import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { QuantileSketch } from './quantile-sketch.js';

const anything = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.double({ min: 99, max: 101, noNaN: true }),
  fc.constantFrom(0, -0, 1, -1, Number.MAX_VALUE, -Number.MAX_VALUE, 2 ** -1022, 1e15),
);
const fractions = [0, 0.01, 0.25, 0.5, 0.75, 0.99, 1];

function sketchOf(values: Iterable<number>, bits = 14): QuantileSketch {
  const sketch = new QuantileSketch(bits);
  for (const x of values) sketch.add(x);
  return sketch;
}

describe('QuantileSketch', () => {
  it('is within its stated error of the exact quantile', () => {
    fc.assert(
      fc.property(
        fc.array(anything, { minLength: 1, maxLength: 200 }),
        fc.integer({ min: 1, max: 20 }),
        (values, bits) => {
          const sketch = sketchOf(values, bits);
          const sorted = Float64Array.from(values).sort();
          for (const q of fractions) {
            const exact = sorted[Math.floor(q * (sorted.length - 1))]!;
            const error = Math.abs(sketch.quantile(q)! - exact);
            const smallest = 2 ** -(bits + 1 + 1022);
            expect(error).toBeLessThanOrEqual(Math.max(Math.abs(exact) * sketch.relativeError, smallest));
          }
        },
      ),
    );
  });

  it('undoes adding by removing, exactly, in any order', () => {
    fc.assert(
      fc.property(
        fc.array(anything, { maxLength: 200 }),
        fc.array(anything, { maxLength: 100 }),
        (kept, gone) => {
          const sketch = sketchOf([...kept, ...gone]);
          for (const x of gone) sketch.remove(x);
          expect([...sketch.buckets()]).toEqual([...sketchOf(kept).buckets()]);
          expect(sketch.count).toBe(kept.length);
        },
      ),
    );
  });

  it('merges into the sketch of both', () => {
    fc.assert(
      fc.property(fc.array(anything, { maxLength: 100 }), fc.array(anything, { maxLength: 100 }), (a, b) => {
        const sketch = sketchOf(a);
        sketch.merge(sketchOf(b));
        expect([...sketch.buckets()]).toEqual([...sketchOf([...a, ...b]).buckets()]);
      }),
    );
    expect(() => sketchOf([1], 10).merge(sketchOf([1], 11))).toThrow('different precision');
  });

  it('holds a drifting series without growing with the distance it has drifted', () => {
    const sketch = new QuantileSketch();
    const price = (i: number): number => 100 * 1.0005 ** i;
    for (let i = 0; i < 20_000; i++) {
      sketch.add(price(i));
      if (i >= 50) sketch.remove(price(i - 50));
    }
    expect(sketch.count).toBe(50);
    expect(sketch.bytes).toBeLessThanOrEqual(16_384);
  });

  it('answers null while empty and refuses what it cannot hold', () => {
    const sketch = new QuantileSketch();
    expect(sketch.quantile(0.5)).toBeNull();
    expect(() => sketch.add(Number.NaN)).toThrow(RangeError);
    expect(() => sketch.remove(5)).toThrow('not in the sketch');
    sketch.add(1);
    expect(() => sketch.remove(1e300)).toThrow('not in the sketch');
    expect(() => sketch.quantile(1.5)).toThrow(RangeError);
    expect(() => new QuantileSketch(0)).toThrow(RangeError);
    expect(sketch.size).toBe(1);
  });
});
