import type { Tail } from '../../kernel/empirical-tail.js';
import { TailTracker } from '../../kernel/tail-tracker.js';
import type { ScenarioSums } from './scenario-sums.js';

/** Of simulated scenarios the VaR has a standard error; `null` where too few of them lie beyond the quantile. */
export interface SimulatedTail extends Tail {
  readonly standardError: number | null;
}

const noLoss: Tail = { var: 0, expectedShortfall: 0 };

/** Scratch that every tracker of this thread shares: they are read one after the other. */
let scratch = new Float64Array(1024);

/**
 * P&L of a portfolio over a fixed set of scenarios (historical days or simulated paths), kept current: a change of
 * one exposure moves every scenario by change × that asset's return.
 */
export class ScenarioState {
  private readonly sums: ScenarioSums;
  private readonly assets: readonly number[];
  private readonly trackers: readonly (TailTracker | null)[];
  /** Those of what-if have bounds of their own: a question must not slow the next tick down. */
  private readonly shiftedTrackers: readonly (TailTracker | null)[];

  /**
   * @param sums of its own, at 0
   * @param confidences in the order in which {@link tails} answers
   */
  constructor(sums: ScenarioSums, exposures: Float64Array, confidences: readonly number[]) {
    this.sums = sums;
    this.assets = Array.from(exposures, (_, asset) => asset);
    sums.add(this.assets, exposures);
    const scenarios = this.scenarios;
    if (scratch.length < scenarios) scratch = new Float64Array(scenarios);
    // Nothing held: there are no scenarios and nothing to lose.
    const tracker = (c: number): TailTracker | null =>
      scenarios === 0 ? null : new TailTracker(scenarios, c, {}, scratch);
    this.trackers = confidences.map(tracker);
    this.shiftedTrackers = confidences.map(tracker);
  }

  /** Memory of its own, without shared returns. */
  get bytes(): number {
    return this.sums.bytes + 400 * this.trackers.length;
  }

  get scenarios(): number {
    return this.sums.pnl.length;
  }

  /** @param change of the exposure to asset `asset` */
  apply(asset: number, change: number): void {
    this.sums.add([asset], [change]);
  }

  /** Many changes in few passes. */
  applyAll(assets: readonly number[], changes: ArrayLike<number>): void {
    this.sums.add(assets, changes);
  }

  /** One tail per confidence. */
  tails(): Tail[] {
    return this.trackers.map((tracker) => tracker?.tail(this.sums.pnl) ?? noLoss);
  }

  /** The same of scenarios that are simulated. */
  simulatedTails(): SimulatedTail[] {
    return simulated(this.trackers, this.sums.pnl);
  }

  /** The tails after changes of exposures by asset, from the present ones; for what-if. */
  shiftedTails(changes: ReadonlyMap<number, number>): Tail[] {
    const moved = this.moved(changes);
    return this.shiftedTrackers.map((tracker) => tracker?.tail(moved) ?? noLoss);
  }

  /** The same of scenarios that are simulated. */
  shiftedSimulatedTails(changes: ReadonlyMap<number, number>): SimulatedTail[] {
    return simulated(this.shiftedTrackers, this.moved(changes));
  }

  private moved(changes: ReadonlyMap<number, number>): Float64Array {
    return this.sums.shifted([...changes.keys()], [...changes.values()]);
  }

  /** Sums everything up again; rounding of millions of changes is gone then. */
  rebuild(exposures: Float64Array): void {
    this.sums.pnl.fill(0);
    this.sums.add(this.assets, exposures);
  }
}

function simulated(trackers: readonly (TailTracker | null)[], pnl: Float64Array): SimulatedTail[] {
  return trackers.map((tracker) =>
    tracker === null
      ? { ...noLoss, standardError: 0 }
      : { ...tracker.tail(pnl), standardError: tracker.standardError() },
  );
}
