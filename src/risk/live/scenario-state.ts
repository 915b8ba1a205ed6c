import type { Tail } from '../../kernel/empirical-tail.js';
import { portfolioReturns } from '../../kernel/portfolio-returns.js';
import { TailTracker } from '../../kernel/tail-tracker.js';

const noLoss: Tail = { var: 0, expectedShortfall: 0 };

/** Scratch that every tracker of this thread shares: they are read one after the other. */
let scratch = new Float64Array(1024);

/**
 * P&L of a portfolio over a fixed set of scenarios (historical days or simulated paths), kept current: a change of
 * one exposure moves every scenario by change × that asset's return.
 */
export class ScenarioState {
  private readonly returns: readonly Float64Array[];
  private readonly pnl: Float64Array;
  private readonly trackers: readonly (TailTracker | null)[];

  /**
   * @param returns one array per asset, not changed, may be shared
   * @param confidences in the order in which {@link tails} answers
   */
  constructor(returns: readonly Float64Array[], exposures: Float64Array, confidences: readonly number[]) {
    this.returns = returns;
    this.pnl = portfolioReturns(returns, exposures);
    const scenarios = this.pnl.length;
    if (scratch.length < scenarios) scratch = new Float64Array(scenarios);
    // Nothing held: there are no scenarios and nothing to lose.
    this.trackers = confidences.map((c) =>
      scenarios === 0 ? null : new TailTracker(scenarios, c, {}, scratch),
    );
  }

  /** Memory of its own, without the shared returns. */
  get bytes(): number {
    return this.pnl.byteLength + 200 * this.trackers.length;
  }

  get scenarios(): number {
    return this.pnl.length;
  }

  /** The scenarios' P&L; read only. */
  get values(): Float64Array {
    return this.pnl;
  }

  /** @param change of the exposure to asset `asset` */
  apply(asset: number, change: number): void {
    const { pnl } = this;
    const r = this.returns[asset]!;
    for (let s = 0; s < pnl.length; s++) pnl[s] = pnl[s]! + change * r[s]!;
  }

  /** One tail per confidence. */
  tails(): Tail[] {
    return this.trackers.map((tracker) => tracker?.tail(this.pnl) ?? noLoss);
  }

  /** P&L of every scenario with other exposures, from the present ones; for what-if. */
  shifted(changes: ReadonlyMap<number, number>): Float64Array {
    const out = Float64Array.from(this.pnl);
    for (const [asset, change] of changes) {
      const r = this.returns[asset]!;
      for (let s = 0; s < out.length; s++) out[s] = out[s]! + change * r[s]!;
    }
    return out;
  }

  /** Sums everything up again; rounding of millions of changes is gone then. */
  rebuild(exposures: Float64Array): void {
    this.pnl.set(portfolioReturns(this.returns, exposures));
  }
}
