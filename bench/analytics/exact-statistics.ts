import type { WindowStatistics } from '../../src/kernel/window-statistics.js';

/** Mean, population variance and slope as exact fractions of whole numbers. */
export interface ExactStatistics {
  readonly count: number;
  readonly mean: Fraction;
  readonly variance: Fraction;
  readonly slope: Fraction | undefined;
  /** Largest magnitude and range of the values: what a sum that cancels is measured against. */
  readonly size: number;
  readonly spread: number;
}

interface Fraction {
  readonly over: bigint;
  readonly under: bigint;
}

const bytes = new DataView(new ArrayBuffer(8));
/** Every finite double is a whole multiple of 2⁻¹⁰⁷⁴. */
const unitBits = 1074n;

function units(x: number): bigint {
  bytes.setFloat64(0, x);
  const word = bytes.getBigUint64(0);
  const exponent = (word >> 52n) & 0x7ffn;
  const fraction = word & 0xfffffffffffffn;
  const magnitude = exponent === 0n ? fraction : (fraction | (1n << 52n)) << (exponent - 1n);
  return x < 0 ? -magnitude : magnitude;
}

export function exactStatistics(values: ArrayLike<number>): ExactStatistics {
  const n = BigInt(values.length);
  let sum = 0n;
  let squares = 0n;
  let products = 0n;
  let min = values[0]!;
  let max = values[0]!;
  for (let i = 0; i < values.length; i++) {
    const x = units(values[i]!);
    sum += x;
    squares += x * x;
    // Twice the distance of the index from its mean: a whole number.
    products += (2n * BigInt(i) - (n - 1n)) * x;
    min = Math.min(min, values[i]!);
    max = Math.max(max, values[i]!);
  }
  return {
    count: values.length,
    mean: { over: sum, under: n << unitBits },
    variance: { over: n * squares - sum * sum, under: (n * n) << (2n * unitBits) },
    slope: n < 2n ? undefined : { over: 6n * products, under: (n * (n * n - 1n)) << unitBits },
    size: Math.max(Math.abs(min), Math.abs(max)),
    spread: max - min,
  };
}

/** Nearest double to a fraction, to about 60 bits before the last rounding. */
function toNumber({ over, under }: Fraction): number {
  if (over === 0n) return 0;
  const negative = over < 0n;
  const top = negative ? -over : over;
  const shift = 60 - (top.toString(2).length - under.toString(2).length);
  const quotient = shift >= 0 ? (top << BigInt(shift)) / under : top / (under << BigInt(-shift));
  // In two steps: 2^-shift alone may be beyond the range of a double.
  const half = Math.trunc(shift / 2);
  const x = Number(quotient) * 2 ** -half * 2 ** -(shift - half);
  return negative ? -x : x;
}

/** |x − exact| relative to the larger of the exact figure and `floor`; the difference is taken exactly. */
function relativeError(x: number, exact: Fraction, floor: number): number {
  const difference = {
    over: units(x) * exact.under - (exact.over << unitBits),
    under: exact.under << unitBits,
  };
  const size = Math.max(Math.abs(toNumber(exact)), floor);
  const error = Math.abs(toNumber(difference));
  return error === 0 ? 0 : error / size;
}

/**
 * Relative errors of the figures. A mean is measured against the largest magnitude where it cancels, a slope against
 * range / n: below that the exact figure depends on bits that no value has.
 */
export function relativeErrors(
  got: WindowStatistics,
  exact: ExactStatistics,
): { mean: number; std: number; trend: number } {
  const mean = relativeError(got.mean!, exact.mean, exact.size);
  const trend =
    got.trend === null || exact.slope === undefined
      ? 0
      : relativeError(got.trend, exact.slope, exact.spread / exact.count);
  const variance = toNumber(exact.variance);
  if (variance === 0) return { mean, std: got.std === 0 ? 0 : Number.POSITIVE_INFINITY, trend };
  const root = Math.sqrt(variance);
  return { mean, std: Math.abs(got.std! - root) / root, trend };
}
