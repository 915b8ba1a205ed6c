/** Returns that the volatility is taken over. */
export const returnsKept = 19;
const inverseReturns = 1 / returnsKept;

/**
 * The newest simple returns of a stream, in 64 places: the return into the i-th value at i mod 32 and again 32 further
 * on, so that runs are unbroken. Of 32, 19 count: the place of the return to come holds none that does.
 */
export const returnPlaces = 64;

/** Notes the return into the value that comes as the `total`-th. */
export function keepReturn(returns: Float64Array, total: number, r: number): void {
  const place = total & 31;
  returns[place] = r;
  returns[place + 32] = r;
}

/**
 * Population variance of the newest 19 returns, from the newest back, so that it does not depend on where the ring
 * stands, written to `out[at]`. Four running sums: the additions of one alone would wait for each other.
 * @param total values so far
 */
export function returnsVariance(out: Float64Array, at: number, returns: Float64Array, total: number): void {
  const t = ((total - 1) & 31) + 32;
  let a = returns[t - 16]!;
  let b = returns[t - 17]!;
  let c = returns[t - 18]!;
  let d = 0;
  for (let i = t; i > t - 16; i -= 4) {
    a += returns[i]!;
    b += returns[i - 1]!;
    c += returns[i - 2]!;
    d += returns[i - 3]!;
  }
  const mean = (a + b + (c + d)) * inverseReturns;
  a = (returns[t - 16]! - mean) ** 2;
  b = (returns[t - 17]! - mean) ** 2;
  c = (returns[t - 18]! - mean) ** 2;
  d = 0;
  for (let i = t; i > t - 16; i -= 4) {
    const p = returns[i]! - mean;
    const q = returns[i - 1]! - mean;
    const r = returns[i - 2]! - mean;
    const s = returns[i - 3]! - mean;
    a += p * p;
    b += q * q;
    c += r * r;
    d += s * s;
  }
  out[at] = (a + b + (c + d)) * inverseReturns;
}
