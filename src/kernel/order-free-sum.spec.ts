import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { CompensatedSum } from './compensated-sum.js';
import { exchangeTerm, fitsOrderFreeSum, orderFreeSize, orderFreeValue } from './order-free-sum.js';

const term = fc.oneof(
  fc.double({ min: -1e12, max: 1e12, noNaN: true }),
  fc.double({ min: -(2 ** 62), max: 2 ** 62, noNaN: true }),
  fc.double({ min: -1e-6, max: 1e-6, noNaN: true }),
);

function sumOf(terms: readonly number[]): Float64Array {
  const sum = new Float64Array(orderFreeSize);
  for (const t of terms) exchangeTerm(sum, 0, 0, t);
  return sum;
}

describe('order-free sum', () => {
  it('has the same bits for every order, and after terms that came and went', () => {
    fc.assert(
      fc.property(fc.array(term, { maxLength: 60 }), fc.array(term, { maxLength: 60 }), (kept, passing) => {
        const straight = sumOf(kept);
        const other = sumOf([...kept].reverse());
        for (const t of passing) exchangeTerm(other, 0, 0, t);
        for (const t of [...passing].reverse()) exchangeTerm(other, 0, t, 0);
        expect([...other]).toEqual([...straight]);
      }),
    );
  });

  it('follows ten million exchanges and equals the sum made afresh', () => {
    const terms = new Float64Array(20).fill(1_000);
    const sum = sumOf([...terms]);
    let state = 7;
    for (let i = 0; i < 10_000_000; i++) {
      state = (Math.imul(1_664_525, state) + 1_013_904_223) >>> 0;
      const k = i % 20;
      const next = terms[k]! * (1 + 1e-4 * (state / 2 ** 32 - 0.5));
      exchangeTerm(sum, 0, terms[k]!, next);
      terms[k] = next;
    }
    expect([...sum]).toEqual([...sumOf([...terms])]);
    const exact = new CompensatedSum();
    for (const t of terms) exact.add(t);
    expect(Math.abs(orderFreeValue(sum, 0) - exact.value)).toBeLessThanOrEqual(2 ** -38);
  });

  it('is within a unit in the last place of the true sum', () => {
    fc.assert(
      fc.property(fc.array(term, { minLength: 1, maxLength: 60 }), (terms) => {
        const exact = new CompensatedSum();
        for (const t of terms) exact.add(t);
        const value = orderFreeValue(sumOf(terms), 0);
        const size = Math.max(...terms.map(Math.abs));
        expect(Math.abs(value - exact.value)).toBeLessThanOrEqual(
          Math.abs(exact.value) * 2 ** -52 + size * 2 ** -100 + 2 ** -90,
        );
      }),
    );
  });

  it('says which terms are too large for it', () => {
    expect(fitsOrderFreeSum(9e18)).toBe(true);
    expect(fitsOrderFreeSum(-1e19)).toBe(false);
    expect(fitsOrderFreeSum(Number.NaN)).toBe(false);
    expect(fitsOrderFreeSum(Number.POSITIVE_INFINITY)).toBe(false);
  });
});
