import type { Portfolio } from '../domain/portfolio.js';
import type { StoredTicks } from '../domain/tick.js';
import type { StreamWindow } from '../kernel/stream-window.js';
import type { TraceOrigin } from '../observability/tracing/tracing.js';
import type { HeldPosition } from './holders.js';
import type { PortfolioMarks } from './portfolio-marks.js';
import type { Recorded } from './value-recorder.js';

/** A change of positions while the window was running. */
export interface Flow {
  /** Value moved: Σ |change of quantity| × price × rate, in the portfolio's currency. */
  readonly amount: number;
  /** What it added to the portfolio's value; NaN when there was no value before or after it. */
  readonly added: number;
  /** `window.pushed` when it happened; what tells whether it is still inside the window. */
  readonly atPoint: number;
}

/** Flows remembered per portfolio. */
const maxFlows = 1_000;

/** What the engine holds of one portfolio; its marks are rows of {@link PortfolioMarks}. */
export class PortfolioState {
  /** By symbol index. */
  readonly held = new Map<number, HeldPosition>();
  /** The batch that moved it last, as of the last announcement; `null` after a change of positions. */
  batch: Pick<StoredTicks, 'ingestedAtMs' | 'storedAtMs'> | null = null;
  /** When it was announced last, Unix ms. */
  computedMs = Number.NaN;
  /** The engine's last `seq` at the announcement before the last one, and at the last one. */
  announcedFrom = 0;
  announcedTo = 0;
  /**
   * What the publisher and the recorder keep of it: in weak maps, thousands of portfolios would cost every collection of garbage.
   * When it was published last, ms of the monotonic clock, and as of which {@link version}; the sampled trace of the newest change that waits to be published.
   */
  publishedMs = Number.NEGATIVE_INFINITY;
  publishedVersion = -1;
  trace: TraceOrigin | null = null;
  recorded: Recorded | undefined;
  private flows: Flow[] = [];

  constructor(
    readonly index: number,
    public portfolio: Portfolio,
    private readonly marks: PortfolioMarks,
  ) {}

  get id(): string {
    return this.portfolio.id;
  }

  /** Values over time, every point in it. */
  get window(): StreamWindow {
    return this.marks.window(this.index);
  }

  /** Values that it has had since its window began. */
  get pushed(): number {
    return this.marks.pushed(this.index);
  }

  /** NaN while a position has no price or rate, and without positions: there is no price that could date a 0. */
  get value(): number {
    return this.portfolio.positions.length === 0 ? Number.NaN : this.marks.value(this.index);
  }

  /** Newest source time among its prices, Unix ms; NaN before the first. */
  get asOfMs(): number {
    return this.marks.asOfMs(this.index);
  }

  /** As of when its figures are: the same, or the time of the newest value where nothing that is held now has a price. */
  get figuresAsOfMs(): number {
    const { asOfMs } = this;
    if (!Number.isNaN(asOfMs)) return asOfMs;
    const { window } = this;
    return window.size > 0 ? window.timeAt(window.size - 1) : Number.NaN;
  }

  /** Grows with every change of a price or a position. */
  get version(): number {
    return this.marks.version(this.index);
  }

  /** Source time of the tick that moved it last. */
  get sourceMs(): number {
    return this.marks.sourceMs(this.index);
  }

  addFlow(amount: number, added: number): void {
    if (!(amount > 0)) return;
    this.flows = this.flowsInWindow().slice(1 - maxFlows);
    this.flows.push({ amount, added, atPoint: this.window.pushed });
  }

  /** Those that happened between the oldest and the newest point of the window. */
  flowsInWindow(): Flow[] {
    if (this.flows.length === 0) return [];
    const { window } = this;
    const oldest = window.pushed - window.size;
    return this.flows.filter((flow) => flow.atPoint > oldest);
  }

  forgetFlows(): void {
    this.flows = [];
  }
}
