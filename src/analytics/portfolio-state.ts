import type { Portfolio } from '../domain/portfolio.js';
import type { StoredTicks } from '../domain/tick.js';
import type { StreamWindow } from '../kernel/stream-window.js';
import type { HeldPosition } from './holders.js';

/** A change of positions while the window was running. */
export interface Flow {
  /** Value moved: Σ |change of quantity| × price × rate, in the portfolio's currency. */
  readonly amount: number;
  /** `window.pushed` when it happened; what tells whether it is still inside the window. */
  readonly atPoint: number;
}

/** Flows remembered per portfolio. */
const maxFlows = 1_000;

/** What the engine holds of one portfolio. */
export class PortfolioState {
  /** By symbol index. */
  readonly held = new Map<number, HeldPosition>();
  /** Positions without a price or a rate. */
  missing = 0;
  /** Positions whose term is too large for the order-free sum: the value is then summed afresh each time. */
  huge = 0;
  /** NaN while a position has no price or rate. */
  value = 0;
  /** Newest source time among its prices; NaN before the first. */
  asOfMs = Number.NaN;
  /** Grows with every change of a price or a position. */
  version = 0;
  /** The batch that moved it last; `null` after a change of positions. */
  batch: Pick<StoredTicks, 'ingestedAtMs' | 'storedAtMs'> | null = null;
  sourceMs = Number.NaN;
  /** When the change was announced, Unix ms. */
  computedMs = Number.NaN;
  /** Waits for its `portfolio.revalued`. */
  dirty = false;
  moved: number[] = [];
  private flows: Flow[] = [];

  constructor(
    readonly index: number,
    public portfolio: Portfolio,
    public window: StreamWindow,
  ) {}

  get id(): string {
    return this.portfolio.id;
  }

  addFlow(amount: number): void {
    if (!(amount > 0)) return;
    this.flows = this.flowsInWindow().slice(1 - maxFlows);
    this.flows.push({ amount, atPoint: this.window.pushed });
  }

  /** Those that happened between the oldest and the newest point of the window. */
  flowsInWindow(): Flow[] {
    const oldest = this.window.pushed - this.window.size;
    return this.flows.filter((flow) => flow.atPoint > oldest);
  }

  forgetFlows(): void {
    this.flows = [];
  }
}
