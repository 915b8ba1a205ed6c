import { assemble, ConstantPool } from './assembler.js';
import { gramCode } from './gram-code.js';
import { normalsCode } from './normals-code.js';
import { projectionCode, scenariosCode } from './scenarios-code.js';
import { type Kernel, pageBytes, type WasmMemory, webAssembly } from './web-assembly.js';

/**
 * The SIMD kernels with their linear memory, one instance per thread. Memory is handed out as a stack: a caller
 * takes regions, copies in, runs, copies out and releases everything; nothing survives a call.
 */
export class SimdKernels {
  private static shared: SimdKernels | undefined;
  /** The thread's instance; made on first use. */
  static get instance(): SimdKernels {
    SimdKernels.shared ??= new SimdKernels();
    return SimdKernels.shared;
  }

  readonly normals: Kernel;
  readonly scenarios: Kernel;
  readonly projection: Kernel;
  readonly gram: Kernel;
  private readonly memory: WasmMemory;
  private readonly floor: number;
  private busy = false;

  private constructor() {
    const api = webAssembly();
    this.memory = new api.Memory({ initial: 16 });
    const pool = new ConstantPool();
    const code = [normalsCode(pool), scenariosCode(), projectionCode(), gramCode()];
    const module = new api.Module(assemble(code));
    const constants = pool.bytes();
    new Uint8Array(this.memory.buffer).set(constants);
    this.floor = Math.ceil(constants.length / 64) * 64;
    const { exports } = new api.Instance(module, { env: { memory: this.memory } });
    this.normals = exports.normals as Kernel;
    this.scenarios = exports.scenarios as Kernel;
    this.projection = exports.projection as Kernel;
    this.gram = exports.gram as Kernel;
  }

  /**
   * Runs `work` with `sizes` (in doubles) of zeroed, 64-byte aligned memory. The views are valid only inside
   * `work`.
   *
   * @throws RangeError when the memory cannot grow that far
   */
  with<R>(sizes: readonly number[], work: (regions: readonly Region[]) => R): R {
    if (this.busy) throw new Error('the SIMD memory is in use: calls do not nest');
    this.busy = true;
    try {
      let top = this.floor;
      const starts = sizes.map((size) => {
        const start = top;
        top += Math.ceil((size * 8) / 64) * 64;
        return start;
      });
      const missing = Math.ceil((top - this.memory.buffer.byteLength) / pageBytes);
      if (missing > 0) this.memory.grow(missing);
      const regions = sizes.map((size, i) => {
        const values = new Float64Array(this.memory.buffer, starts[i], size);
        values.fill(0);
        return { address: starts[i]!, values };
      });
      return work(regions);
    } finally {
      this.busy = false;
    }
  }
}

export interface Region {
  readonly address: number;
  readonly values: Float64Array;
}
