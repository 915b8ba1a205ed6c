/**
 * A sum that does not depend on the order of its additions and forgets nothing when a term is taken out again:
 * terms are split into four parts on fixed grids (2²⁴, 2⁻¹⁶, 2⁻⁵⁶, 2⁻⁹⁶), and the sum of each part is exact. So a
 * sum that has followed ten million changes has the same bits as one made afresh.
 *
 * Exact for terms of magnitude 2⁻⁴⁴ … 2⁶³ (5.7e-14 … 9.2e18) and up to 2¹³ of them; smaller ones are rounded to a
 * multiple of 2⁻⁹⁶ (1.3e-29), larger ones are refused by {@link fitsOrderFreeSum}. After Demmel & Nguyen, "Fast
 * reproducible floating-point summation" (2013).
 *
 * A sum is {@link orderFreeSize} doubles inside a larger array, so that thousands of them lie side by side.
 */
export const orderFreeSize = 4;

// 1.5 · 2⁵² grids: adding it pushes everything below the grid out of the double.
const PUSH_0 = 1.5 * 2 ** 76;
const PUSH_1 = 1.5 * 2 ** 36;
const PUSH_2 = 1.5 * 2 ** -4;
const PUSH_3 = 1.5 * 2 ** -44;
const LIMIT = 2 ** 63;

/** Whether a term can be summed exactly; false also for NaN and infinities. */
export function fitsOrderFreeSum(term: number): boolean {
  return term < LIMIT && term > -LIMIT;
}

/** Takes the term `out` from the sum at `at` and adds the term `into`; 0 for none. Both must fit. */
export function exchangeTerm(sums: Float64Array, at: number, out: number, into: number): void {
  const a0 = into + PUSH_0 - PUSH_0;
  const b0 = out + PUSH_0 - PUSH_0;
  const a1 = into - a0;
  const b1 = out - b0;
  const a1high = a1 + PUSH_1 - PUSH_1;
  const b1high = b1 + PUSH_1 - PUSH_1;
  const a2 = a1 - a1high;
  const b2 = b1 - b1high;
  const a2high = a2 + PUSH_2 - PUSH_2;
  const b2high = b2 + PUSH_2 - PUSH_2;
  const a3 = a2 - a2high + PUSH_3 - PUSH_3;
  const b3 = b2 - b2high + PUSH_3 - PUSH_3;
  sums[at] = sums[at]! + (a0 - b0);
  sums[at + 1] = sums[at + 1]! + (a1high - b1high);
  sums[at + 2] = sums[at + 2]! + (a2high - b2high);
  sums[at + 3] = sums[at + 3]! + (a3 - b3);
}

/** The sum as the nearest double (to within one unit in the last place). */
export function orderFreeValue(sums: Float64Array, at: number): number {
  const a = sums[at]!;
  const b = sums[at + 1]!;
  const high = a + b;
  const rest = high - a;
  const lost = a - (high - rest) + (b - rest);
  return high + (lost + (sums[at + 2]! + sums[at + 3]!));
}
