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

/** Values of one statement: about two milliseconds. */
const writtenAtOnce = 250;

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

  /**
   * Writes values that have changed, those that wait longest first, a piece at a time: thousands at once would hold up the event
   * loop and the commits beside them. What could not be written waits again.
   * @param atMost how many of them
   */
  async flush(
    write: (values: readonly LatestValue[]) => Promise<unknown>,
    atMost = this.waiting,
  ): Promise<void> {
    for (let left = Math.min(atMost, this.waiting); left > 0; left -= writtenAtOnce) {
      const values = this.take(Math.min(left, writtenAtOnce));
      try {
        await write(values);
      } catch (error) {
        this.putBack(values);
        throw error;
      }
    }
  }

  /** In the order of the keys: two processes that write the same ones do not wait for each other in a circle. */
  private take(count: number): readonly LatestValue[] {
    const taken = this.changed.slice(0, count).map((entry): LatestValue => {
      entry.changed = false;
      const { owner, name, tsMs, value, seq } = entry;
      return { owner, name, tsMs, value, seq };
    });
    this.changed = this.changed.slice(taken.length);
    return taken.sort((a, b) => order(a.owner, b.owner) || order(a.name, b.name));
  }

  private putBack(values: readonly LatestValue[]): void {
    for (const value of values) {
      // What has come since waits already, and is newer also where its time is the same.
      if (this.known.get(value.owner)?.get(value.name)?.changed) continue;
      this.saw(value.owner, value.name, value.tsMs, value.value, value.seq);
    }
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
