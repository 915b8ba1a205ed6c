/** Whole-number counts by integer key, for keys that lie far apart: two arrays in ascending order of the key. */
export class SortedCounts {
  private keys = new Int32Array(16);
  private counts = new Int32Array(16);
  private used = 0;

  get size(): number {
    return this.used;
  }

  get bytes(): number {
    return this.keys.byteLength + this.counts.byteLength;
  }

  key(index: number): number {
    return this.keys[index]!;
  }

  count(index: number): number {
    return this.counts[index]!;
  }

  /**
   * Adds `by`, which may be negative; a key whose count comes to 0 goes. @returns the new count, negative if
   * refused
   */
  add(key: number, by: number): number {
    const at = this.find(key);
    const known = at < this.used && this.keys[at] === key;
    const count = (known ? this.counts[at]! : 0) + by;
    if (count < 0) return count;
    if (known && count > 0) this.counts[at] = count;
    else if (known) this.removeAt(at);
    else if (count > 0) this.insertAt(at, key, count);
    return count;
  }

  /** Index of the first key that is not below `key`. */
  private find(key: number): number {
    const { keys } = this;
    let low = 0;
    let high = this.used;
    while (low < high) {
      const mid = (low + high) >>> 1;
      if (keys[mid]! < key) low = mid + 1;
      else high = mid;
    }
    return low;
  }

  private removeAt(at: number): void {
    this.keys.copyWithin(at, at + 1, this.used);
    this.counts.copyWithin(at, at + 1, this.used);
    this.used--;
  }

  private insertAt(at: number, key: number, count: number): void {
    if (this.used === this.keys.length) {
      const keys = new Int32Array(this.used * 2);
      keys.set(this.keys);
      this.keys = keys;
      const counts = new Int32Array(this.used * 2);
      counts.set(this.counts);
      this.counts = counts;
    }
    this.keys.copyWithin(at + 1, at, this.used);
    this.counts.copyWithin(at + 1, at, this.used);
    this.keys[at] = key;
    this.counts[at] = count;
    this.used++;
  }
}
