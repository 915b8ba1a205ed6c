import type { PortfolioState } from './portfolio-state.js';

/** Width of a slot of the wheel, ms: publications are late by at most this. */
const slotMs = 5;

/**
 * Who may be published when: each portfolio at once when it changes after a pause, then at most every `intervalMs`.
 * What changes in between is published with the newest state when the interval is over, so nothing stays behind.
 */
export class PublicationSchedule {
  private readonly lastMs = new Map<string, number>();
  /** Portfolios by the slot in which they fall due. */
  private readonly slots = new Map<number, PortfolioState[]>();
  private readonly waiting = new Set<PortfolioState>();
  private readonly ready = new Set<PortfolioState>();
  private firstSlot = Number.POSITIVE_INFINITY;

  /** @param intervalMs 0: every change is published */
  constructor(private readonly intervalMs: number) {}

  /** Portfolios that have changed and are not published. */
  get pending(): number {
    return this.waiting.size + this.ready.size;
  }

  /** When to look again, ms of the same clock; infinite when nothing waits for its time. */
  get nextDueMs(): number {
    if (this.ready.size > 0) return 0;
    return this.firstSlot * slotMs;
  }

  /** @returns whether this change joins one that waits already */
  changed(state: PortfolioState, nowMs: number): boolean {
    if (this.waiting.has(state) || this.ready.has(state)) return true;
    const dueMs = (this.lastMs.get(state.id) ?? Number.NEGATIVE_INFINITY) + this.intervalMs;
    if (dueMs <= nowMs) {
      this.ready.add(state);
      return false;
    }
    const slot = Math.ceil(dueMs / slotMs);
    const others = this.slots.get(slot);
    if (others) others.push(state);
    else this.slots.set(slot, [state]);
    this.waiting.add(state);
    if (slot < this.firstSlot) this.firstSlot = slot;
    return false;
  }

  /** The next portfolio to publish now, first come first served; `undefined` when there is none. */
  take(nowMs: number): PortfolioState | undefined {
    if (this.firstSlot * slotMs <= nowMs) this.advance(nowMs);
    for (const state of this.ready) {
      this.ready.delete(state);
      this.lastMs.set(state.id, nowMs);
      return state;
    }
    return undefined;
  }

  forget(state: PortfolioState): void {
    this.waiting.delete(state);
    this.ready.delete(state);
    this.lastMs.delete(state.id);
  }

  private advance(nowMs: number): void {
    let first = Number.POSITIVE_INFINITY;
    for (const [slot, states] of this.slots) {
      if (slot * slotMs > nowMs) {
        if (slot < first) first = slot;
        continue;
      }
      this.slots.delete(slot);
      for (const state of states) if (this.waiting.delete(state)) this.ready.add(state);
    }
    this.firstSlot = first;
  }
}
