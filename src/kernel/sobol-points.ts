import { sobolParameters } from './sobol-parameters.js';
import { UniformGenerator } from './uniform-generator.js';

/** Binary digits of a coordinate. */
const digits = 32;
/** Dimensions that have direction numbers. */
export const sobolDimensions = 256;

let parsed: readonly Uint32Array[] | undefined;

/** Direction numbers of every dimension, the first digit in the highest bit (Bratley and Fox, algorithm 659, 1988). */
function directionNumbers(): readonly Uint32Array[] {
  parsed ??= [
    Uint32Array.from({ length: digits }, (_, k) => (1 << (digits - 1 - k)) >>> 0),
    ...sobolParameters.trim().split('\n').map(recurrence),
  ];
  return parsed;
}

function recurrence(line: string): Uint32Array {
  const [polynomial, ...initial] = line.split(' ').map(Number) as [number, ...number[]];
  const degree = initial.length;
  const v = new Uint32Array(digits);
  for (let k = 0; k < digits; k++) {
    if (k < degree) {
      v[k] = initial[k]! << (digits - 1 - k);
      continue;
    }
    let x = v[k - degree]! ^ (v[k - degree]! >>> degree);
    for (let j = 1; j < degree; j++) if ((polynomial >>> (degree - j)) & 1) x ^= v[k - j]!;
    v[k] = x;
  }
  return v;
}

/**
 * Sobol's low-discrepancy points in Gray-code order (Antonov and Saleev 1979), as 32-bit fractions, with direction
 * numbers of Joe and Kuo (2008). Scrambled, each dimension's digits are multiplied by a random lower triangular matrix
 * and shifted by random digits (Matoušek, J. Complexity 14, 1998): every point is then uniform, so estimates have no
 * bias and independent scramblings tell their error, while any 2^k consecutive points of an aligned block stay as
 * evenly spread as before.
 *
 * @example new SobolPoints(2).next(point) // [0, 0], then [2^31, 2^31], then [3·2^30, 2^30], …
 */
export class SobolPoints {
  private readonly directions: readonly Uint32Array[];
  private readonly shift: Uint32Array;
  private readonly state: Uint32Array;
  private index = 0;

  /**
   * @param dimensions 1 to {@link sobolDimensions}
   * @param scrambling which of the random scramblings; none without
   * @throws RangeError on other dimensions
   */
  constructor(dimensions: number, scrambling?: { readonly seed: number; readonly stream: number }) {
    if (!(Number.isInteger(dimensions) && dimensions >= 1 && dimensions <= sobolDimensions)) {
      throw new RangeError(`Sobol points: ${dimensions} dimensions, not 1 to ${sobolDimensions}`);
    }
    const plain = directionNumbers().slice(0, dimensions);
    this.shift = new Uint32Array(dimensions);
    this.state = new Uint32Array(dimensions);
    if (scrambling === undefined) {
      this.directions = plain;
    } else {
      const generator = new UniformGenerator(scrambling.seed, scrambling.stream);
      this.directions = plain.map((v) => scrambled(v, generator));
      for (let d = 0; d < dimensions; d++) this.shift[d] = generator.nextWord();
    }
    this.seek(0);
  }

  /** The next point is the one of this index, 0 to 2^32 − 1. */
  seek(index: number): void {
    this.index = index;
    const gray = (index ^ (index >>> 1)) >>> 0;
    for (let d = 0; d < this.state.length; d++) {
      let x = this.shift[d]!;
      const v = this.directions[d]!;
      for (let k = 0; k < digits; k++) if ((gray >>> k) & 1) x ^= v[k]!;
      this.state[d] = x;
    }
  }

  /** Writes the point's coordinates times 2^32 and moves on. */
  next(point: Uint32Array): void {
    const { state, directions } = this;
    point.set(state);
    const lowestZero = 31 - Math.clz32(~this.index & (this.index + 1));
    this.index++;
    for (let d = 0; d < state.length; d++) state[d] = state[d]! ^ directions[d]![lowestZero]!;
  }
}

/** Digit k of each number becomes itself plus a random choice of the digits before it. */
function scrambled(v: Uint32Array, generator: UniformGenerator): Uint32Array {
  const rows = Uint32Array.from({ length: digits }, (_, k) => {
    const own = 1 << (digits - 1 - k);
    // Bits above `own` are the digits before k.
    return ((generator.nextWord() & ~(own | (own - 1))) | own) >>> 0;
  });
  return v.map((x) => {
    let out = 0;
    for (let k = 0; k < digits; k++) out |= parity(x & rows[k]!) << (digits - 1 - k);
    return out;
  });
}

function parity(x: number): number {
  let p = x ^ (x >>> 16);
  p ^= p >>> 8;
  p ^= p >>> 4;
  return (0x6996 >>> (p & 15)) & 1;
}
