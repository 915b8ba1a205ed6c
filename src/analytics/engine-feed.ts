import type { PortfolioChanged } from '../domain/events.js';
import type { StoredTicks } from '../domain/tick.js';
import {
  activeTrace,
  inBatchSpan,
  outsideOfTraces,
  type TraceOrigin,
} from '../observability/tracing/tracing.js';
import type { AnalyticsEngine } from './analytics-engine.js';

/** Ticks that may wait; beyond that they are applied at once, and who announces them waits. */
const maxWaitingTicks = 200_000;
/** Longest time that the event loop is held, ms. */
const sliceMs = 3;
/** Ticks between two looks at the clock. */
const ticksPerLook = 64;

type Work = ({ readonly ticks: StoredTicks; next: number } | { readonly change: PortfolioChanged }) & {
  /** The sampled trace that the news came in. */
  readonly trace: TraceOrigin | null;
};

/** What the feed reports; called after every slice in which something was applied. */
export interface FeedListener {
  /** @param drained whether nothing waits any more */
  applied(drained: boolean): void;
}

/** How fast work went; running totals. */
export interface FeedTotals {
  /** Time spent applying, ms. */
  busyMs: number;
  /** Slices ended by the clock with work left. */
  interruptions: number;
  /** Announcements that found the queue full: what was too many of it was applied at once. */
  saturations: number;
}

/**
 * The queue between the store's announcements and the engine. Ticks and position changes are applied in the order in
 * which they were announced, in slices that leave the event loop room to breathe.
 */
export class EngineFeed {
  readonly totals: FeedTotals = { busyMs: 0, interruptions: 0, saturations: 0 };
  private readonly queue: Work[] = [];
  private queuedTicks = 0;
  private scheduled = false;
  private held = false;
  /** Inside {@link drain}: what is announced from there waits for its turn. */
  private draining = false;

  constructor(
    private readonly engine: AnalyticsEngine,
    private readonly listener: FeedListener,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** Ticks that wait to be applied. */
  get waitingTicks(): number {
    return this.queuedTicks;
  }

  get isIdle(): boolean {
    return this.queue.length === 0;
  }

  addTicks(ticks: StoredTicks): void {
    if (ticks.ticks.length === 0) return;
    this.queue.push({ ticks, next: 0, trace: activeTrace() });
    this.queuedTicks += ticks.ticks.length;
    if (this.queuedTicks > maxWaitingTicks && !this.held) {
      this.totals.saturations++;
      // Only what is too many: half of the queue would hold the event loop for a second and more.
      this.drain(Number.POSITIVE_INFINITY, maxWaitingTicks);
    }
    this.schedule();
  }

  /** Applied at once unless much waits before it: who has changed a portfolio may ask for it next. */
  addChange(change: PortfolioChanged): void {
    this.queue.push({ change, trace: activeTrace() });
    if (!this.held && !this.draining) this.drain(sliceMs, 0);
    this.schedule();
  }

  /** Keeps everything waiting until {@link release}: while the engine is being rebuilt. */
  hold(): void {
    this.held = true;
  }

  release(): void {
    this.held = false;
    this.schedule();
  }

  /**
   * Applies what waits, now, for at most `budgetMs`: so that an answer includes what was acknowledged before.
   * @returns whether nothing waits any more
   */
  catchUp(budgetMs = sliceMs): boolean {
    if (!this.held) this.drain(budgetMs, 0);
    return this.queue.length === 0;
  }

  private schedule(): void {
    if (this.scheduled || this.held || this.queue.length === 0) return;
    this.scheduled = true;
    // A slice belongs to all whose news it applies, not to the one that happened to come first.
    outsideOfTraces(() =>
      setImmediate(() => {
        this.scheduled = false;
        if (this.held) return;
        this.drain(sliceMs, 0);
        if (this.queue.length > 0) this.totals.interruptions++;
        this.schedule();
      }),
    );
  }

  /** Applies work until the time is over or at most `leave` ticks wait. */
  private drain(budgetMs: number, leave: number): void {
    if (this.queue.length === 0) return;
    const traces = this.queue.filter(({ trace }) => trace !== null).map(({ trace }) => trace);
    if (traces.length === 0) this.apply(budgetMs, leave);
    else inBatchSpan('analytics apply', traces, undefined, () => this.apply(budgetMs, leave));
  }

  private apply(budgetMs: number, leave: number): void {
    this.draining = true;
    const started = this.now();
    const end = started + budgetMs;
    let done = 0;
    for (let over = false; !over && done < this.queue.length; ) {
      const work = this.queue[done]!;
      if ('change' in work) this.engine.applyChange(work.change);
      else this.applySome(work);
      if ('change' in work || work.next === work.ticks.ticks.length) done++;
      over = this.now() >= end || (leave > 0 && this.queuedTicks <= leave);
    }
    this.queue.splice(0, done);
    this.draining = false;
    this.totals.busyMs += this.now() - started;
    this.listener.applied(this.queue.length === 0);
  }

  private applySome(work: { readonly ticks: StoredTicks; next: number }): void {
    const { ticks } = work.ticks;
    const end = Math.min(ticks.length, work.next + ticksPerLook);
    this.engine.beginBatch(work.ticks);
    this.queuedTicks -= end - work.next;
    for (; work.next < end; work.next++) this.engine.applyTick(ticks[work.next]!);
  }
}
