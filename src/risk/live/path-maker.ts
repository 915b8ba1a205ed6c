import { sharedDoubles } from '../compute/return-panel.js';
import type { RiskCompute } from '../compute/risk-compute.js';
import type { LivePortfolio } from './live-portfolio.js';
import type { StateBudget } from './state-budget.js';

/** Common random numbers: every portfolio's paths come from this seed, every time. */
const liveSeed = 1;

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
    const bytes = (assets + 1) * this.paths * 8;
    if (state.paths !== null || !this.budget.hasRoom(bytes)) return;
    const into = { assets, observations: this.paths, data: sharedDoubles(assets * this.paths) };
    const { covariance, means } = state.parametric;
    await this.compute.background({ kind: 'paths', covariance, means, seed: liveSeed, into });
    if (this.budget.hasRoom(bytes)) this.budget.setPaths(id, state, { panel: into, seed: liveSeed });
  }
}
