import type { PortfolioState } from './portfolio-state.js';

/** Width of a slot of the wheel, ms: publications are late by at most this. */
const slotMs = 2;

/**
 * Who may be published when: each portfolio at once when it changes after a pause, then at most every `intervalMs`.
 * What changes in between is published with the newest state when the interval is over, so nothing stays behind.
 * Portfolios that nobody follows come after those that somebody does.
 */
export class PublicationSchedule {
  /** Portfolios by the slot in which they fall due. */
  private readonly slots = new Map<number, PortfolioState[]>();
  /** When each portfolio falls due, or did: those that wait, those that are due, and those of them nobody follows. */
  private readonly waiting = new Map<PortfolioState, number>();
  private readonly ready = new Map<PortfolioState, number>();
  private readonly unfollowed = new Map<PortfolioState, number>();
  private firstSlot = Number.POSITIVE_INFINITY;
  /** When the portfolio that was taken last fell due, ms of the same clock. */
  takenDueMs = 0;

  /** @param intervalMs 0: every change is published */
  constructor(
    private readonly intervalMs: number,
    private readonly isFollowed: (state: PortfolioState) => boolean = () => true,
  ) {}

  /** Portfolios that have changed and are not published. */
  get pending(): number {
    return this.waiting.size + this.ready.size + this.unfollowed.size;
  }

  /** When to look again, ms of the same clock; infinite when nothing that somebody follows waits for its time. */
  get nextDueMs(): number {
    if (this.ready.size > 0) return 0;
    return this.firstSlot * slotMs;
  }

  /** Whether portfolios that nobody follows are due. */
  get hasUnfollowed(): boolean {
    return this.unfollowed.size > 0;
  }

  /** Somebody follows it from now on: what waits for spare time is due. */
  follow(state: PortfolioState, nowMs: number): void {
    if (this.unfollowed.delete(state)) this.ready.set(state, nowMs);
  }

  /** @returns whether this change joins one that waits already */
  changed(state: PortfolioState, nowMs: number): boolean {
    if (this.waiting.has(state) || this.ready.has(state)) return true;
    if (this.unfollowed.has(state)) return true;
    const dueMs = state.publishedMs + this.intervalMs;
    if (dueMs <= nowMs) {
      this.due(state, nowMs);
      return false;
    }
    const slot = Math.ceil(dueMs / slotMs);
    const others = this.slots.get(slot);
    if (others) others.push(state);
    else this.slots.set(slot, [state]);
    this.waiting.set(state, dueMs);
    if (slot < this.firstSlot) this.firstSlot = slot;
    return false;
  }

  /** The next portfolio to publish now, first come first served; `undefined` when there is none. */
  take(nowMs: number): PortfolioState | undefined {
    if (this.firstSlot * slotMs <= nowMs) this.advance(nowMs);
    return this.first(this.ready, nowMs);
  }

  /** The same among those that nobody follows. */
  takeUnfollowed(nowMs: number): PortfolioState | undefined {
    return this.first(this.unfollowed, nowMs);
  }

  private first(due: Map<PortfolioState, number>, nowMs: number): PortfolioState | undefined {
    for (const [state, dueMs] of due) {
      due.delete(state);
      state.publishedMs = nowMs;
      this.takenDueMs = dueMs;
      return state;
    }
    return undefined;
  }

  private due(state: PortfolioState, dueMs: number): void {
    if (this.isFollowed(state)) this.ready.set(state, dueMs);
    else this.unfollowed.set(state, dueMs);
  }

  private advance(nowMs: number): void {
    let first = Number.POSITIVE_INFINITY;
    for (const [slot, states] of this.slots) {
      if (slot * slotMs > nowMs) {
        if (slot < first) first = slot;
        continue;
      }
      this.slots.delete(slot);
      for (const state of states) {
        const dueMs = this.waiting.get(state);
        if (dueMs === undefined) continue;
        this.waiting.delete(state);
        this.due(state, dueMs);
      }
    }
    this.firstSlot = first;
  }
}
