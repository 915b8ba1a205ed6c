import { ScenarioMemory } from '../../kernel/wasm/scenario-memory.js';
import { seriesOf, sharedDoubles } from '../compute/return-panel.js';
import type { RiskCompute } from '../compute/risk-compute.js';
import type { LivePaths, LivePortfolio } from './live-portfolio.js';
import { SharedColumns } from './scenario-sums.js';
import type { StateBudget } from './state-budget.js';

/** Common random numbers: every portfolio's paths come from this seed, every time. */
const liveSeed = 1;
/**
 * From this many simulated returns on they lie in SIMD memory. Each such memory reserves some 10 GB of addresses, so
 * the small ones, of which there are many, are plain arrays.
 */
const simdFrom = 2 ** 19;

/**
 * Simulates the paths of live portfolios on worker threads, one portfolio at a time, as long as the budget has
 * room: paths are never made by dropping others', which would only go round in circles.
 */
export class PathMaker {
  private readonly wanted = new Map<string, LivePortfolio>();
  private running = false;

  constructor(
    private readonly compute: Pick<RiskCompute, 'background'>,
    private readonly paths: number,
    private readonly budget: StateBudget,
    private readonly onError: (error: unknown) => void,
  ) {}

  want(portfolioId: string, state: LivePortfolio): void {
    if (this.paths === 0 || state.symbols.length === 0) return;
    this.wanted.set(portfolioId, state);
    void this.run();
  }

  private async run(): Promise<void> {
    if (this.running) return;
    this.running = true;
    try {
      for (const [id, state] of this.wanted) {
        this.wanted.delete(id);
        await this.make(id, state);
      }
    } catch (error) {
      // Wanted again at the next retry of the service.
      this.onError(error);
    } finally {
      this.running = false;
    }
  }

  private async make(id: string, state: LivePortfolio): Promise<void> {
    const assets = state.symbols.length;
    const simd = assets * this.paths >= simdFrom;
    if (state.paths !== null || !this.budget.hasRoom((assets + 1) * this.paths * (simd ? 4 : 8))) return;
    const { data, sums, bytes } = simd ? inSimdMemory(assets, this.paths) : inArrays(assets, this.paths);
    const { covariance, means } = state.parametric;
    const into = { assets, observations: this.paths, data };
    await this.compute.background({ kind: 'paths', covariance, means, seed: liveSeed, into });
    if (this.budget.hasRoom(bytes)) this.budget.setPaths(id, state, { sums, seed: liveSeed, bytes });
  }
}

type Room = Pick<LivePaths, 'sums' | 'bytes'> & { readonly data: Float32Array | Float64Array };

function inArrays(assets: number, paths: number): Room {
  const data = sharedDoubles(assets * paths);
  const sums = new SharedColumns(seriesOf({ assets, observations: paths, data }));
  return { data, sums, bytes: data.byteLength + sums.bytes };
}

function inSimdMemory(assets: number, paths: number): Room {
  try {
    const sums = new ScenarioMemory(assets, paths);
    return { data: sums.returns, sums, bytes: sums.bytes };
  } catch (error) {
    // No such memory: too large for its addresses, or the process has none left to reserve.
    if (error instanceof RangeError) return inArrays(assets, paths);
    throw error;
  }
}
