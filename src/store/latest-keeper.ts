/** The newest value of one key, and what it is newest by. */
export interface LatestValue {
  /** First part of the key: a symbol, a portfolio. */
  readonly owner: string;
  /** Second part: a metric; empty where the owner is the key. */
  readonly name: string;
  readonly tsMs: number;
  readonly value: number;
  /** Breaks ties of equal times; 0 where there is no sequence. */
  readonly seq: number;
}

type Entry = { -readonly [K in keyof LatestValue]: LatestValue[K] } & { changed: boolean };

/** Beyond this many keys the memory of known ones is dropped and filled again: they are then written once more. */
const maxKnown = 500_000;

/**
 * Keeps a table of newest values current without paying for it at every row: a key's **first** row inserts it in the
 * same transaction, so the table always names every key; its later values are collected here and written every so often.
 * Nested maps, not joined keys: joining two strings for every row costs more than encoding it.
 */
export class LatestKeeper {
  private known = new Map<string, Map<string, Entry>>();
  private size = 0;
  private changed: Entry[] = [];

  isKnown(owner: string, name: string): boolean {
    return this.known.get(owner)?.has(name) ?? false;
  }

  /** A row of this key is durable. */
  saw(owner: string, name: string, tsMs: number, value: number, seq = 0): void {
    const entry = this.known.get(owner)?.get(name);
    if (entry === undefined) {
      this.add({ owner, name, tsMs, value, seq, changed: true });
      return;
    }
    if (entry.tsMs > tsMs || (entry.tsMs === tsMs && entry.seq > seq)) return;
    entry.tsMs = tsMs;
    entry.value = value;
    entry.seq = seq;
    if (entry.changed) return;
    entry.changed = true;
    this.changed.push(entry);
  }

  /** Keys whose value has changed and was not taken. */
  get waiting(): number {
    return this.changed.length;
  }

  /** What has changed and was not taken yet, by key. @param atMost of those that wait longest */
  take(atMost = Number.POSITIVE_INFINITY): readonly LatestValue[] {
    const taken = this.changed.slice(0, atMost).map((entry) => {
      entry.changed = false;
      const { changed: _, ...value } = entry;
      return value;
    });
    this.changed = this.changed.slice(taken.length);
    return taken.sort((a, b) => order(a.owner, b.owner) || order(a.name, b.name));
  }

  /** Puts back what could not be written, unless something newer has come. */
  putBack(values: readonly LatestValue[]): void {
    for (const { owner, name, tsMs, value, seq } of values) this.saw(owner, name, tsMs, value, seq);
  }

  private add(entry: Entry): void {
    if (this.size >= maxKnown) {
      this.known = new Map();
      this.size = 0;
    }
    const names = this.known.get(entry.owner) ?? new Map<string, Entry>();
    this.known.set(entry.owner, names);
    names.set(entry.name, entry);
    this.size++;
    this.changed.push(entry);
  }
}

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
