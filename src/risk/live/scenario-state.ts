import type { Tail } from '../../kernel/empirical-tail.js';
import { portfolioReturns } from '../../kernel/portfolio-returns.js';
import { TailTracker } from '../../kernel/tail-tracker.js';

const noLoss: Tail = { var: 0, expectedShortfall: 0 };

/** Scratch that every tracker of this thread shares: they are read one after the other. */
let scratch = new Float64Array(1024);
/** Scratch for the scenarios of a what-if, which are read and forgotten. */
let shifted = new Float64Array(1024);

/**
 * P&L of a portfolio over a fixed set of scenarios (historical days or simulated paths), kept current: a change of
 * one exposure moves every scenario by change × that asset's return.
 */
export class ScenarioState {
  private readonly returns: readonly Float64Array[];
  private readonly pnl: Float64Array;
  private readonly trackers: readonly (TailTracker | null)[];
  /** Those of what-if have bounds of their own: a question must not slow the next tick down. */
  private readonly shiftedTrackers: readonly (TailTracker | null)[];

  /**
   * @param returns one array per asset, not changed, may be shared
   * @param confidences in the order in which {@link tails} answers
   */
  constructor(returns: readonly Float64Array[], exposures: Float64Array, confidences: readonly number[]) {
    this.returns = returns;
    this.pnl = portfolioReturns(returns, exposures);
    const scenarios = this.pnl.length;
    if (scratch.length < scenarios) scratch = new Float64Array(scenarios);
    if (shifted.length < scenarios) shifted = new Float64Array(scenarios);
    // Nothing held: there are no scenarios and nothing to lose.
    const tracker = (c: number): TailTracker | null =>
      scenarios === 0 ? null : new TailTracker(scenarios, c, {}, scratch);
    this.trackers = confidences.map(tracker);
    this.shiftedTrackers = confidences.map(tracker);
  }

  /** Memory of its own, without the shared returns. */
  get bytes(): number {
    return this.pnl.byteLength + 400 * this.trackers.length;
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

  /** Many changes in a quarter of the passes. */
  applyAll(assets: readonly number[], changes: ArrayLike<number>): void {
    addTo(this.pnl, this.returns, assets, changes);
  }

  /** One tail per confidence. */
  tails(): Tail[] {
    return this.trackers.map((tracker) => tracker?.tail(this.pnl) ?? noLoss);
  }

  /** The tails after changes of exposures by asset, from the present ones; for what-if. */
  shiftedTails(changes: ReadonlyMap<number, number>): Tail[] {
    const moved = shifted.subarray(0, this.pnl.length);
    moved.set(this.pnl);
    addTo(moved, this.returns, [...changes.keys()], [...changes.values()]);
    return this.shiftedTrackers.map((tracker) => tracker?.tail(moved) ?? noLoss);
  }

  /** Sums everything up again; rounding of millions of changes is gone then. */
  rebuild(exposures: Float64Array): void {
    this.pnl.fill(0);
    addTo(
      this.pnl,
      this.returns,
      this.returns.map((_, asset) => asset),
      exposures,
    );
  }
}

/** pnl += Σ changes[k] · returns of assets[k], four at a time. */
function addTo(
  pnl: Float64Array,
  returns: readonly Float64Array[],
  assets: readonly number[],
  changes: ArrayLike<number>,
): void {
  let k = 0;
  for (; k + 3 < assets.length; k += 4) {
    const [a, b, c, d] = [
      returns[assets[k]!]!,
      returns[assets[k + 1]!]!,
      returns[assets[k + 2]!]!,
      returns[assets[k + 3]!]!,
    ];
    const [u, v, w, x] = [changes[k]!, changes[k + 1]!, changes[k + 2]!, changes[k + 3]!];
    for (let s = 0; s < pnl.length; s++) pnl[s] = pnl[s]! + (u * a[s]! + v * b[s]! + (w * c[s]! + x * d[s]!));
  }
  for (; k < assets.length; k++) {
    const a = returns[assets[k]!]!;
    const u = changes[k]!;
    for (let s = 0; s < pnl.length; s++) pnl[s] = pnl[s]! + u * a[s]!;
  }
}
