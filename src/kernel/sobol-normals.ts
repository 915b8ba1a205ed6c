import { chiSquareQuantile } from './chi-square-quantile.js';
import { normalQuantile } from './normal-quantile.js';
import { SobolPoints, sobolDimensions } from './sobol-points.js';

/** Independent scramblings of one estimate: what its standard error is measured on. */
export const sobolReplicates = 16;
/** Streams of the generator that scramblings are drawn from, beyond those of any block of paths. */
const firstStream = 2 ** 31;

/**
 * Standard normal factors and χ² variables by inversion of Sobol points. The paths are {@link sobolReplicates} equal
 * runs, each with a scrambling of its own.
 *
 * Low-discrepancy points are best in their first dimensions, so the answer is made to lie there: the χ² of a path has
 * the first, and the factors are a rotation of the rest that turns the next one into the direction of the loads (Imai
 * and Tan, "Minimizing effective dimension using linear transformation", 2004). Beyond {@link sobolDimensions} the
 * pseudo-random deviates that are there are kept.
 */
export class SobolNormals {
  private readonly replicates: readonly SobolPoints[];
  private readonly point: Uint32Array;
  /** Householder's vector of the rotation, times √2; `null` where the loads already lie along the first factor. */
  private readonly mirror: Float64Array | null;
  private readonly factors: number;
  /** Factors with a dimension of their own. */
  private readonly inverted: number;
  private readonly runLength: number;
  private readonly df: number | null;

  /**
   * @param loads weight of each factor in the answer
   * @param paths a power of two, at least 16 × 256
   * @throws RangeError on another number of paths
   */
  constructor(loads: Float64Array, paths: number, seed: number, degreesOfFreedom: number | null) {
    this.runLength = paths / sobolReplicates;
    if (!(this.runLength >= 256 && Number.isInteger(Math.log2(paths)))) {
      throw new RangeError(`paths: ${paths}, not a power of two from 4096: Sobol points come in such runs`);
    }
    this.df = degreesOfFreedom;
    this.factors = loads.length;
    const first = degreesOfFreedom === null ? 0 : 1;
    this.inverted = Math.min(loads.length, sobolDimensions - first);
    const dimensions = Math.max(1, this.inverted + first);
    this.replicates = Array.from(
      { length: sobolReplicates },
      (_, r) => new SobolPoints(dimensions, { seed, stream: firstStream + r }),
    );
    this.point = new Uint32Array(dimensions);
    this.mirror = mirrorOf(loads);
  }

  /** Whether no factor keeps a pseudo-random deviate. */
  get fillsAll(): boolean {
    return this.inverted === this.factors;
  }

  /**
   * Writes the deviates of the paths from `first` on, as many as `scale` is long.
   *
   * @param z laid out [4 paths][factor][path of the 4]
   * @param scale gets √(h·(ν − 2)/χ²) of each path; left alone for normal ones
   */
  fill(first: number, z: Float64Array, scale: Float64Array, horizonDays: number): void {
    const { point, df, inverted } = this;
    const points = this.replicates[Math.floor(first / this.runLength)]!;
    points.seek(first % this.runLength);
    const offset = df === null ? 0 : 1;
    for (let p = 0; p < scale.length; p++) {
      points.next(point);
      if (df !== null) {
        scale[p] = Math.sqrt((horizonDays * (df - 2)) / chiSquareQuantile(uniform(point[0]!), df));
      }
      const at = (p >> 2) * this.factors * 4 + (p & 3);
      for (let d = 0; d < inverted; d++) z[at + 4 * d] = normalQuantile(uniform(point[d + offset]!));
      this.rotate(z, at);
    }
  }

  /** z − 2v(v·z): independent standard normals stay so. */
  private rotate(z: Float64Array, at: number): void {
    const v = this.mirror;
    if (v === null) return;
    let along = 0;
    for (let j = 0; j < v.length; j++) along += v[j]! * z[at + 4 * j]!;
    for (let j = 0; j < v.length; j++) z[at + 4 * j] = z[at + 4 * j]! - along * v[j]!;
  }
}

/** The mirror that maps the loads' direction onto the first axis, to the side where nothing cancels. */
function mirrorOf(loads: Float64Array): Float64Array | null {
  const length = Math.hypot(...loads);
  if (!(length > 0)) return null;
  const v = loads.map((x) => x / length);
  v[0] = v[0]! + (v[0]! < 0 ? -1 : 1);
  const scale = Math.SQRT2 / Math.hypot(...v);
  return v.map((x) => x * scale);
}

/** In (0, 1), never 0 nor 1. */
const uniform = (digits: number): number => (digits + 0.5) / 2 ** 32;
