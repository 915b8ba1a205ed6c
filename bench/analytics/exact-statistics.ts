import type { WindowStatistics } from '../../src/kernel/window-statistics.js';

/** Mean, population variance, slope and newest return as exact fractions of whole numbers. */
export interface ExactStatistics {
  readonly count: number;
  readonly mean: Fraction;
  readonly variance: Fraction;
  readonly slope: Fraction | undefined;
  readonly momentum: Fraction | undefined;
  /** Population variance of the newest 19 returns, from fixed-point numbers of {@link returnBits} places. */
  readonly returnsVariance: Fraction | undefined;
  /** Largest magnitude and range of the values, largest magnitude of those returns: what a sum that cancels is measured against. */
  readonly size: number;
  readonly spread: number;
  readonly returnsSize: number;
}

interface Fraction {
  readonly over: bigint;
  readonly under: bigint;
}

const bytes = new DataView(new ArrayBuffer(8));
/** Every finite double is a whole multiple of 2⁻¹⁰⁷⁴. */
const unitBits = 1074n;
/** Binary places of a return: far more than any figure has digits. */
const returnBits = 600n;
const returnsNeeded = 19;

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
    ...exactReturns(values),
    size: Math.max(Math.abs(min), Math.abs(max)),
    spread: max - min,
  };
}

function exactReturns(
  values: ArrayLike<number>,
): Pick<ExactStatistics, 'momentum' | 'returnsVariance' | 'returnsSize'> {
  const last = values.length - 1;
  const fraction = (i: number): Fraction => {
    const before = units(values[i - 1]!);
    const change = units(values[i]!) - before;
    return before < 0n ? { over: -change, under: -before } : { over: change, under: before };
  };
  const momentum = last < 1 ? undefined : fraction(last);
  if (last < returnsNeeded) return { momentum, returnsVariance: undefined, returnsSize: 0 };
  let sum = 0n;
  let squares = 0n;
  let size = 0;
  for (let i = last - returnsNeeded + 1; i <= last; i++) {
    const { over, under } = fraction(i);
    const r = (over << returnBits) / under;
    sum += r;
    squares += r * r;
    size = Math.max(size, Math.abs(toNumber({ over, under })));
  }
  const n = BigInt(returnsNeeded);
  const returnsVariance = { over: n * squares - sum * sum, under: (n * n) << (2n * returnBits) };
  return { momentum, returnsVariance, returnsSize: size };
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

export type Errors = Record<'mean' | 'std' | 'trend' | 'volatility' | 'momentum', number>;

/**
 * Relative errors of the figures. A mean is measured against the largest magnitude where it cancels, a slope against
 * range / n, a volatility against the largest return: below that the exact figure depends on bits that no value has.
 * @param got with volatilities per period
 */
export function relativeErrors(got: WindowStatistics, exact: ExactStatistics): Errors {
  const mean = relativeError(got.mean!, exact.mean, exact.size);
  const trend =
    got.trend === null || exact.slope === undefined
      ? 0
      : relativeError(got.trend, exact.slope, exact.spread / exact.count);
  const momentum =
    got.momentum1 === null || exact.momentum === undefined
      ? 0
      : relativeError(got.momentum1, exact.momentum, 0);
  const std = deviationError(got.std, exact.variance, 0);
  const volatility =
    exact.returnsVariance === undefined
      ? 0
      : deviationError(got.volatility, exact.returnsVariance, exact.returnsSize);
  return { mean, std, trend, volatility, momentum };
}

function deviationError(got: number | null, variance: Fraction, floor: number): number {
  const root = Math.sqrt(toNumber(variance));
  // A square beyond the range of a double is not answered, and nothing else is.
  if (got === null) return root === Number.POSITIVE_INFINITY ? 0 : Number.POSITIVE_INFINITY;
  const error = Math.abs(got - root);
  return error === 0 ? 0 : error / Math.max(root, floor);
}
