import { chiSquareDeviate } from './chi-square-deviate.js';
import type { CholeskyFactor } from './cholesky.js';
import { SobolNormals } from './sobol-normals.js';
import { seedWords, UniformGenerator } from './uniform-generator.js';
import { pathsPerChunk, rowsPerBlock } from './wasm/scenarios-code.js';
import { type Region, SimdKernels } from './wasm/simd-kernels.js';

/** Paths that share one seeded generator: the unit of reproduction. */
export const pathsPerBlock = 256;

/** Where deviates come from: a seeded generator, or scrambled Sobol points (randomised quasi-Monte Carlo). */
export type Sampling = 'pseudo_random' | 'sobol';

export interface PathSpec {
  /** Factor of the one-day covariance of the asset returns. */
  readonly factor: CholeskyFactor;
  /** One-day mean return per asset. */
  readonly means: ArrayLike<number>;
  /** Money (or weight) per asset. */
  readonly exposures: ArrayLike<number>;
  readonly horizonDays: number;
  readonly paths: number;
  /** Whole number from 0 to 2^53 − 1. */
  readonly seed: number;
  /** Degrees of freedom of Student's t (> 2), scaled to the covariance, one χ² per path; `null`: normal. */
  readonly degreesOfFreedom: number | null;
  /** Path p + 128 of each block of 256 uses the negated deviates of path p. */
  readonly antithetic: boolean;
  /** Default pseudo-random. `sobol`: `paths` is a power of two, at least 4,096, and there are no antithetic ones. */
  readonly sampling?: Sampling;
}

/**
 * Simulated P&L per path, `exposures · (means·h + √h·s·L·z)` with z independent standard normal and s =
 * √((ν−2)/χ²_ν) for Student's t. Equal specifications give equal bits. A pseudo-random path depends on seed and index
 * only, not on how many paths are drawn.
 *
 * @param assetReturns when given, one array of `paths` values per asset: filled with the simulated returns (full
 *   scenarios); without it only the projection L′·exposures of each path is formed
 * @throws RangeError on sizes that do not fit each other
 */
export function simulatePaths(
  spec: PathSpec,
  assetReturns?: readonly (Float64Array | Float32Array)[],
): Float64Array {
  const n = spec.factor.size;
  if (spec.means.length !== n || spec.exposures.length !== n) {
    throw new RangeError(
      `paths: ${n} assets, ${spec.means.length} means, ${spec.exposures.length} exposures`,
    );
  }
  if (!(Number.isSafeInteger(spec.paths) && spec.paths > 0)) throw new RangeError(`paths: ${spec.paths}`);
  if (!(Number.isSafeInteger(spec.seed) && spec.seed >= 0)) throw new RangeError(`seed: ${spec.seed}`);
  const pnl = new Float64Array(spec.paths);
  const shift = drift(spec);
  const rows = Math.ceil(n / rowsPerBlock) * rowsPerBlock;
  const z = n * pathsPerBlock + rowsPerBlock * pathsPerChunk;
  const lower = assetReturns ? packedSize(rows) : n;
  const sizes = [z, lower, rows, pathsPerBlock, pathsPerBlock, assetReturns ? rows * pathsPerBlock : 0, 8];
  SimdKernels.instance.with(sizes, (regions) => {
    const block = new Block(spec, regions, assetReturns !== undefined);
    for (let first = 0; first < spec.paths; first += pathsPerBlock) {
      const count = Math.min(pathsPerBlock, spec.paths - first);
      const values = block.run(first / pathsPerBlock);
      for (let p = 0; p < count; p++) pnl[first + p] = values[p]! + shift;
      if (assetReturns) block.copyReturns(assetReturns, first, count);
    }
  });
  return pnl;
}

function drift({ exposures, means, horizonDays }: PathSpec): number {
  let sum = 0;
  for (let i = 0; i < exposures.length; i++) sum += exposures[i]! * means[i]!;
  return sum * horizonDays;
}

const packedSize = (rows: number): number => {
  const blocks = rows / rowsPerBlock;
  return rowsPerBlock * rowsPerBlock * ((blocks * (blocks + 1)) / 2);
};

/** One block of paths in WebAssembly memory. */
class Block {
  private readonly kernels = SimdKernels.instance;
  private readonly spec: PathSpec;
  private readonly regions: readonly Region[];
  private readonly full: boolean;
  private readonly words: Uint32Array;
  private readonly rowBlocks: number;
  private readonly sobol: SobolNormals | null;

  constructor(spec: PathSpec, regions: readonly Region[], full: boolean) {
    this.spec = spec;
    this.regions = regions;
    this.full = full;
    const [, lower, exposures, scale, , , state] = regions as Region[];
    const { factor } = spec;
    this.rowBlocks = Math.ceil(factor.size / rowsPerBlock);
    this.words = new Uint32Array(state!.values.buffer, state!.address, 16);
    if (full) {
      packLower(factor, this.rowBlocks, lower!.values);
      for (let i = 0; i < factor.size; i++) exposures!.values[i] = spec.exposures[i]!;
    } else {
      projectLower(factor, spec.exposures, lower!.values);
    }
    scale!.values.fill(Math.sqrt(spec.horizonDays));
    this.sobol = spec.sampling === 'sobol' ? sobolOf(spec) : null;
  }

  /** @returns P&L without drift of the block's paths; valid until the next run */
  run(index: number): Float64Array {
    const [z, lower, exposures, scale, pnl, y] = this.regions as [
      Region,
      Region,
      Region,
      Region,
      Region,
      Region,
    ];
    const n = this.spec.factor.size;
    this.draw(index, z);
    const df = this.spec.degreesOfFreedom;
    if (this.sobol !== null) {
      this.sobol.fill(index * pathsPerBlock, z.values, scale.values, this.spec.horizonDays);
    } else if (df !== null) this.drawScale(index, df, scale.values);
    const chunks = pathsPerBlock / pathsPerChunk;
    if (this.full) {
      this.kernels.scenarios(
        z.address,
        lower.address,
        exposures.address,
        scale.address,
        y.address,
        pnl.address,
        chunks,
        n,
        this.rowBlocks,
        pathsPerBlock * 8,
      );
    } else {
      this.kernels.projection(z.address, lower.address, scale.address, pnl.address, chunks, n);
    }
    return pnl.values;
  }

  copyReturns(out: readonly (Float64Array | Float32Array)[], first: number, count: number): void {
    const y = this.regions[5]!.values;
    const { means, horizonDays } = this.spec;
    for (let i = 0; i < out.length; i++) {
      const mean = means[i]! * horizonDays;
      const target = out[i]!;
      const from = i * pathsPerBlock;
      for (let p = 0; p < count; p++) target[first + p] = y[from + p]! + mean;
    }
  }

  private draw(index: number, z: Region): void {
    if (this.sobol?.fillsAll) return;
    seedWords(this.spec.seed, 2 * index, this.words);
    const all = this.spec.factor.size * pathsPerBlock;
    const drawn = this.spec.antithetic ? all / 2 : all;
    this.kernels.normals(z.address, drawn * 8, this.regions[6]!.address);
    if (this.spec.antithetic) for (let i = 0; i < drawn; i++) z.values[drawn + i] = -z.values[i]!;
  }

  private drawScale(index: number, df: number, scale: Float64Array): void {
    const generator = new UniformGenerator(this.spec.seed, 2 * index + 1);
    const paths = this.spec.antithetic ? pathsPerBlock / 2 : pathsPerBlock;
    for (let p = 0; p < paths; p++) {
      scale[p] = Math.sqrt((this.spec.horizonDays * (df - 2)) / chiSquareDeviate(generator, df));
    }
    if (this.spec.antithetic) scale.copyWithin(paths, 0, paths);
  }
}

function sobolOf(spec: PathSpec): SobolNormals {
  if (spec.antithetic)
    throw new RangeError('Sobol points have no antithetic ones: they are balanced already');
  const loads = new Float64Array(spec.factor.size);
  projectLower(spec.factor, spec.exposures, loads);
  return new SobolNormals(loads, spec.paths, spec.seed, spec.degreesOfFreedom);
}

/** [row block][factor][4 rows], each block cut after its diagonal. */
function packLower({ size: n, lower }: CholeskyFactor, blocks: number, out: Float64Array): void {
  let at = 0;
  for (let b = 0; b < blocks; b++) {
    for (let j = 0; j < (b + 1) * rowsPerBlock; j++) {
      for (let r = 0; r < rowsPerBlock; r++, at++) {
        const i = b * rowsPerBlock + r;
        if (i < n && j <= i) out[at] = lower[i * n + j]!;
      }
    }
  }
}

/** L′·exposures. */
function projectLower(
  { size: n, lower }: CholeskyFactor,
  exposures: ArrayLike<number>,
  out: Float64Array,
): void {
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) out[j] = out[j]! + lower[i * n + j]! * exposures[i]!;
  }
}
