import { empiricalTail, type Tail } from '../../kernel/empirical-tail.js';
import { mean } from '../../kernel/mean.js';
import { parametricExpectedShortfall } from '../../kernel/parametric-expected-shortfall.js';
import { parametricVar } from '../../kernel/parametric-var.js';
import { portfolioReturns } from '../../kernel/portfolio-returns.js';
import { quantileStandardError } from '../../kernel/quantile-standard-error.js';
import { standardDeviation } from '../../kernel/standard-deviation.js';
import { panelOf, type ReturnPanel } from '../compute/return-panel.js';
import type { PanelLease } from '../history/scenario-panels.js';
import { ParametricState } from './parametric-state.js';
import { ScenarioState, type SimulatedTail } from './scenario-state.js';
import { type ScenarioSums, SharedColumns } from './scenario-sums.js';

/** Confidences at which live figures are kept. */
export const liveConfidences = [0.95, 0.99] as const;

/** Simulated one-day returns of the assets of one portfolio, and the seed they came from. */
export interface LivePaths {
  /** One scenario per path. */
  readonly sums: ScenarioSums;
  readonly seed: number;
  /** Memory of the paths, with what is summed over them. */
  readonly bytes: number;
}

export interface LiveTails {
  readonly historical: readonly Tail[];
  readonly parametric: readonly Tail[];
  /** `null` while there are no paths. */
  readonly monteCarlo: readonly SimulatedTail[] | null;
}

/** Up to so many changes are applied one by one. */
const fewChanges = 3;
/** After this many changes every sum is formed anew, so that rounding cannot add up … */
const rebuildEvery = 65_536;
/**
 * … and when the gross exposure has fallen to this share of what it was: the rounding of large sums would stay in
 * small ones.
 */
const shrunkShare = 1e-2;
/** … and when the loss is so small a share of the gross exposure that it may be what rounding left of a hedge. */
const hedgedShare = 1e-10;

/**
 * Risk of one portfolio at tick speed, in the portfolio's currency. Exposures are money per asset; each method
 * keeps the sums that a change of one exposure moves cheaply.
 */
export class LivePortfolio {
  readonly exposures: Float64Array;
  readonly historical: ScenarioState;
  readonly parametric: ParametricState;
  private monteCarlo: { readonly state: ScenarioState; readonly paths: LivePaths } | null = null;
  private readonly indices: ReadonlyMap<string, number>;
  private changes = 0;
  /** Largest gross exposure since the sums were formed. */
  private peakGross: number;

  /**
   * @param exposures money per symbol, in the order of `symbols`; copied
   * @param lease the returns of the symbols
   */
  constructor(
    readonly symbols: readonly string[],
    exposures: Float64Array,
    readonly lease: PanelLease,
  ) {
    this.exposures = Float64Array.from(exposures);
    this.indices = new Map(symbols.map((s, i) => [s, i]));
    this.historical = new ScenarioState(new SharedColumns(lease.returns), this.exposures, liveConfidences);
    this.parametric = new ParametricState(lease.returns, this.exposures, liveConfidences);
    this.peakGross = gross(this.exposures);
  }

  get observations(): number {
    return this.historical.scenarios;
  }

  /** Memory of its own without paths and shared columns. */
  get bytes(): number {
    return this.historical.bytes + this.parametric.bytes + 16 * this.symbols.length + 1_000;
  }

  get pathBytes(): number {
    return this.monteCarlo?.paths.bytes ?? 0;
  }

  get paths(): LivePaths | null {
    return this.monteCarlo?.paths ?? null;
  }

  indexOf(symbol: string): number | undefined {
    return this.indices.get(symbol);
  }

  /** @returns whether the exposure was another one */
  setExposure(asset: number, exposure: number): boolean {
    const change = exposure - this.exposures[asset]!;
    if (change === 0) return false;
    this.exposures[asset] = exposure;
    this.peakGross = Math.max(this.peakGross, Math.abs(exposure));
    this.parametric.apply(asset, change);
    this.historical.apply(asset, change);
    this.monteCarlo?.state.apply(asset, change);
    if (++this.changes % rebuildEvery === 0) this.rebuild();
    return true;
  }

  /**
   * Brings every exposure up to date. Where most have changed, forming the sums anew is as cheap.
   *
   * @param exposures in the order of `symbols`
   * @returns how many were others
   */
  setExposures(exposures: Float64Array): number {
    const assets: number[] = [];
    const changes: number[] = [];
    for (let i = 0; i < exposures.length; i++) {
      const change = exposures[i]! - this.exposures[i]!;
      if (change === 0) continue;
      assets.push(i);
      changes.push(change);
    }
    const count = assets.length;
    if (count <= fewChanges) {
      for (const asset of assets) this.setExposure(asset, exposures[asset]!);
      return count;
    }
    for (const asset of assets) this.exposures[asset] = exposures[asset]!;
    this.peakGross = Math.max(this.peakGross, gross(this.exposures));
    const before = Math.floor(this.changes / rebuildEvery);
    this.changes += count;
    if (2 * count > exposures.length || Math.floor(this.changes / rebuildEvery) > before) {
      this.rebuild();
      return count;
    }
    assets.forEach((asset, k) => {
      this.parametric.apply(asset, changes[k]!);
    });
    this.historical.applyAll(assets, changes);
    this.monteCarlo?.state.applyAll(assets, changes);
    return count;
  }

  tails(): LiveTails {
    const held = gross(this.exposures);
    if (held < this.peakGross * shrunkShare) this.rebuild();
    this.peakGross = Math.max(this.peakGross, held);
    const historical = this.historical.tails();
    if (!isHedged(historical, held)) return this.withHistorical(historical);
    this.rebuild();
    return this.withHistorical(this.historical.tails());
  }

  private withHistorical(historical: readonly Tail[]): LiveTails {
    return {
      historical,
      parametric: this.parametric.tails(),
      monteCarlo: this.monteCarlo?.state.simulatedTails() ?? null,
    };
  }

  /** The tails after changes of exposures by asset, for what-if; the state stays as it is. */
  projected(changes: ReadonlyMap<number, number>): LiveTails {
    const exposures = Float64Array.from(this.exposures);
    for (const [asset, change] of changes) exposures[asset] = exposures[asset]! + change;
    const historical = this.historical.shiftedTails(changes);
    if (isHedged(historical, gross(exposures))) return this.revalued(exposures);
    return {
      historical,
      parametric: this.parametric.shiftedTails(changes),
      monteCarlo: this.monteCarlo?.state.shiftedSimulatedTails(changes) ?? null,
    };
  }

  /**
   * Every figure from nothing but exposures and returns, by other formulas where there are any: the deviation of the
   * P&L instead of √e′Σe.
   */
  revalued(exposures: Float64Array): LiveTails {
    if (this.symbols.length === 0) return this.tails();
    const pnl = portfolioReturns(this.lease.returns, exposures);
    const [mu, sigma] = [mean(pnl), standardDeviation(pnl)];
    const paths = this.monteCarlo?.paths.sums.revalued(exposures) ?? null;
    return {
      historical: liveConfidences.map((c) => empiricalTail(pnl, c)),
      parametric: liveConfidences.map((c) => ({
        var: parametricVar(mu, sigma, c),
        expectedShortfall: parametricExpectedShortfall(mu, sigma, c),
      })),
      monteCarlo:
        paths &&
        liveConfidences.map((c) => ({
          ...empiricalTail(paths, c),
          standardError: quantileStandardError(paths, c),
        })),
    };
  }

  setPaths(paths: LivePaths | null): void {
    this.monteCarlo = paths && {
      state: new ScenarioState(paths.sums, this.exposures, liveConfidences),
      paths,
    };
  }

  /** The history as a panel of its own, for calculations on workers. */
  panel(): ReturnPanel {
    return panelOf(this.lease.returns);
  }

  private rebuild(): void {
    this.peakGross = gross(this.exposures);
    this.parametric.rebuild();
    this.historical.rebuild(this.exposures);
    this.monteCarlo?.state.rebuild(this.exposures);
  }
}

function gross(exposures: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < exposures.length; i++) sum += Math.abs(exposures[i]!);
  return sum;
}

const isHedged = (tails: readonly Tail[], held: number): boolean =>
  held > 0 && tails.every((tail) => Math.abs(tail.expectedShortfall) < hedgedShare * held);
