/** Due times are rounded up to this, ms: few distinct ones, however many keys. */
const slotMs = 10;

/**
 * Conflation: which keys have changed and when each may go out next. A key that changes again before it went out
 * keeps its place; two runs of one key are at least `everyMs` apart.
 */
export class DueQueue {
  private readonly queued = new Set<string>();
  private readonly slots = new Map<number, string[]>();
  private readonly lastRun = new Map<string, number>();
  private ready: string[] = [];

  constructor(private readonly everyMs: number) {}

  get size(): number {
    return this.queued.size;
  }

  /** The key has changed. */
  mark(key: string, nowMs: number): void {
    if (this.queued.has(key)) return;
    this.queued.add(key);
    const last = this.lastRun.get(key);
    const due = last === undefined ? nowMs : Math.max(nowMs, last + this.everyMs);
    const slot = Math.ceil(due / slotMs);
    const keys = this.slots.get(slot);
    if (keys) keys.push(key);
    else this.slots.set(slot, [key]);
  }

  /** Takes a key that is due, or `undefined`. */
  take(nowMs: number): string | undefined {
    for (;;) {
      if (this.ready.length === 0 && !this.collect(nowMs)) return undefined;
      const key = this.ready.pop()!;
      // Forgotten in the meantime.
      if (!this.queued.delete(key)) continue;
      this.lastRun.set(key, nowMs);
      return key;
    }
  }

  /** When the next key is due; `undefined` when none waits. */
  nextDueMs(): number | undefined {
    if (this.ready.length > 0) return 0;
    if (this.slots.size === 0) return undefined;
    return Math.min(...this.slots.keys()) * slotMs;
  }

  forget(key: string): void {
    this.queued.delete(key);
    this.lastRun.delete(key);
  }

  private collect(nowMs: number): boolean {
    const due = [...this.slots.keys()].filter((slot) => slot * slotMs <= nowMs).sort((a, b) => b - a);
    for (const slot of due) {
      // Taken from the end: the oldest slot goes last into the array, its first key last of all.
      this.ready.push(...this.slots.get(slot)!.toReversed());
      this.slots.delete(slot);
    }
    return this.ready.length > 0;
  }
}
