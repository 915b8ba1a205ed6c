import { accumulateCode } from './accumulate-code.js';
import { assemble } from './assembler.js';
import { type Kernel, pageBytes, webAssembly } from './web-assembly.js';

/** WebAssembly addresses are 32 bits wide. */
const maxPages = 65_536;
/** Series that one pass over the sums adds, as long as there are so many. */
const perPass = 8;
const aligned = (bytes: number): number => Math.ceil(bytes / 64) * 64;

/**
 * Returns of many assets over many simulated scenarios, and the P&L that is summed over them, in a memory where SIMD
 * code reaches both. Summing over all of them is bound by reading them, so the returns are singles: rounding them
 * once, when they are drawn (6e-8 of each), is part of what the scenarios are; all sums are of doubles. The memory
 * is shared, so a worker thread can fill it.
 */
export class ScenarioMemory {
  private static module: object | undefined;
  /** Return of scenario s of asset i at i · scenarios + s. */
  readonly returns: Float32Array;
  /** P&L per scenario. */
  readonly pnl: Float64Array;
  private readonly moved: Float64Array;
  private readonly scenarios: number;
  private readonly addresses: Int32Array;
  private readonly factors: Float64Array;
  private readonly one: Kernel;
  private readonly eight: Kernel;

  /** @throws RangeError when there is no such memory */
  constructor(assets: number, scenarios: number) {
    this.scenarios = scenarios;
    // The code works on four scenarios at a time: room for what the last step reads and writes beyond the end.
    const sums = aligned(8 * scenarios + 32);
    const factors = aligned(4 * assets);
    const pnl = factors + aligned(8 * assets);
    const returns = pnl + 2 * sums;
    const pages = Math.ceil((returns + 4 * assets * scenarios + 16) / pageBytes);
    if (pages > maxPages) throw new RangeError(`${assets} assets over ${scenarios} scenarios are too many`);
    const api = webAssembly();
    const memory = new api.Memory({ initial: pages, maximum: pages, shared: true });
    ScenarioMemory.module ??= new api.Module(assemble([accumulateCode(1), accumulateCode(perPass)], true));
    const { exports } = new api.Instance(ScenarioMemory.module, { env: { memory } });
    this.one = exports.accumulate1 as Kernel;
    this.eight = exports[`accumulate${perPass}`] as Kernel;
    this.addresses = new Int32Array(memory.buffer, 0, assets);
    this.factors = new Float64Array(memory.buffer, factors, assets);
    this.pnl = new Float64Array(memory.buffer, pnl, scenarios);
    this.moved = new Float64Array(memory.buffer, pnl + sums, scenarios);
    this.returns = new Float32Array(memory.buffer, returns, assets * scenarios);
  }

  get bytes(): number {
    return this.returns.buffer.byteLength;
  }

  /** P&L += Σ changes[k] · returns of assets[k]. At most as many assets as there are. */
  add(assets: ArrayLike<number>, changes: ArrayLike<number>): void {
    this.accumulate(this.pnl, assets, changes);
  }

  /** P&L + Σ changes[k] · returns of assets[k]; valid until the next call. */
  shifted(assets: ArrayLike<number>, changes: ArrayLike<number>): Float64Array {
    this.moved.set(this.pnl);
    this.accumulate(this.moved, assets, changes);
    return this.moved;
  }

  /** The P&L from nothing but exposures and returns, without the SIMD code. */
  revalued(exposures: ArrayLike<number>): Float64Array {
    const { returns, scenarios } = this;
    const out = new Float64Array(scenarios);
    for (let i = 0; i < exposures.length; i++) {
      const exposure = exposures[i]!;
      const from = i * scenarios;
      for (let s = 0; s < scenarios; s++) out[s] = out[s]! + exposure * returns[from + s]!;
    }
    return out;
  }

  private accumulate(sums: Float64Array, assets: ArrayLike<number>, changes: ArrayLike<number>): void {
    const { addresses, factors, returns, scenarios } = this;
    const count = assets.length;
    for (let k = 0; k < count; k++) {
      addresses[k] = returns.byteOffset + 4 * assets[k]! * scenarios;
      factors[k] = changes[k]!;
    }
    const passes = Math.floor(count / perPass);
    const rest = count - passes * perPass;
    const [a, f, bytes] = [addresses.byteOffset, factors.byteOffset, 8 * scenarios];
    if (passes > 0) this.eight(sums.byteOffset, a, f, passes, bytes);
    const done = passes * perPass;
    if (rest > 0) this.one(sums.byteOffset, a + 4 * done, f + 8 * done, rest, bytes);
  }
}
