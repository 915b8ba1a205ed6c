import { portfolioReturns } from '../../kernel/portfolio-returns.js';

/**
 * P&L over scenarios that changes of exposures are added to: over columns that portfolios share ({@link SharedColumns}),
 * or in SIMD memory of its own (`ScenarioMemory`).
 */
export interface ScenarioSums {
  /** P&L per scenario; read only. */
  readonly pnl: Float64Array;
  /** Memory of its own. */
  readonly bytes: number;
  /** P&L += Σ changes[k] · returns of assets[k]. */
  add(assets: ArrayLike<number>, changes: ArrayLike<number>): void;
  /** P&L + Σ changes[k] · returns of assets[k]; valid until the next call. */
  shifted(assets: ArrayLike<number>, changes: ArrayLike<number>): Float64Array;
  /** The P&L from nothing but exposures and returns, as the proof needs it. */
  revalued(exposures: ArrayLike<number>): Float64Array;
}

/** Scratch for the scenarios of a what-if, which are read and forgotten. */
let scratch = new Float64Array(1024);

/** Sums over returns that others use too and that are not copied. */
export class SharedColumns implements ScenarioSums {
  readonly pnl: Float64Array;
  private readonly returns: readonly Float64Array[];

  /** @param returns one array per asset, not changed */
  constructor(returns: readonly Float64Array[]) {
    this.returns = returns;
    this.pnl = new Float64Array(returns[0]?.length ?? 0);
  }

  get bytes(): number {
    return this.pnl.byteLength;
  }

  add(assets: ArrayLike<number>, changes: ArrayLike<number>): void {
    addTo(this.pnl, this.returns, assets, changes);
  }

  shifted(assets: ArrayLike<number>, changes: ArrayLike<number>): Float64Array {
    if (scratch.length < this.pnl.length) scratch = new Float64Array(this.pnl.length);
    const moved = scratch.subarray(0, this.pnl.length);
    moved.set(this.pnl);
    addTo(moved, this.returns, assets, changes);
    return moved;
  }

  revalued(exposures: ArrayLike<number>): Float64Array {
    return portfolioReturns(this.returns, exposures);
  }
}

/** pnl += Σ changes[k] · returns of assets[k], four at a time. */
function addTo(
  pnl: Float64Array,
  returns: readonly Float64Array[],
  assets: ArrayLike<number>,
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
  for (; k < assets.length; k++) addOne(pnl, returns[assets[k]!]!, changes[k]!);
}

function addOne(pnl: Float64Array, returns: Float64Array, change: number): void {
  for (let s = 0; s < pnl.length; s++) pnl[s] = pnl[s]! + change * returns[s]!;
}
