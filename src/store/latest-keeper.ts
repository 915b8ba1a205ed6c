/** One key of a `latest_…` table. */
export interface LatestValue {
  readonly tsMs: number;
  readonly value: number;
  /** Breaks ties of equal times; 0 where there is no sequence. */
  readonly seq: number;
}

/** Beyond this many keys the memory of known ones is dropped and filled again: they are then written once more. */
const maxKnown = 500_000;

/**
 * Keeps a table of newest values current without paying for it at every row: a key's **first** row inserts it in the
 * same transaction, so the table always names every key; its later values are collected here and written once a second.
 */
export class LatestKeeper {
  private readonly known = new Set<string>();
  private changed = new Map<string, LatestValue>();

  isKnown(key: string): boolean {
    return this.known.has(key);
  }

  /** A row of this key is durable. */
  saw(key: string, tsMs: number, value: number, seq = 0): void {
    const before = this.changed.get(key);
    if (before !== undefined && (before.tsMs > tsMs || (before.tsMs === tsMs && before.seq > seq))) return;
    this.changed.set(key, { tsMs, value, seq });
    if (!this.known.has(key)) {
      if (this.known.size >= maxKnown) this.known.clear();
      this.known.add(key);
    }
  }

  /** What has changed since the last call. */
  take(): ReadonlyMap<string, LatestValue> {
    const taken = this.changed;
    this.changed = new Map();
    return taken;
  }

  /** Puts back what could not be written, unless something newer has come. */
  putBack(values: ReadonlyMap<string, LatestValue>): void {
    for (const [key, { tsMs, value, seq }] of values) this.saw(key, tsMs, value, seq);
  }
}
