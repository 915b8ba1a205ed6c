import { SortedCounts } from './sorted-counts.js';

const scratch = new Float64Array(1);
const words = new Uint32Array(scratch.buffer);
// Which of the two words holds sign and exponent.
scratch[0] = -1;
const HIGH = words[1] === 0xbff00000 ? 1 : 0;

const smallestArray = 64;
/** Widest range of buckets held as a plain array; beyond that only the buckets in use are held. */
const widestArray = 16_384;

/**
 * Counts of values in logarithmic-linear buckets: 2^bits buckets per power of two, equally wide within it. A
 * quantile is answered by the middle of its bucket, so it is within 2^-(bits + 1) of the exact one, relatively:
 * 0.0031 % with 14 bits. Zero has a bucket of its own; negative values mirror the positive ones. (Values below
 * 2^-1022 share the buckets of that range, whose error is 2^-(bits + 1023) absolutely.)
 *
 * Counts are whole numbers, so removing a value undoes adding it exactly, and merging is addition: the sketch of a
 * sliding window is the sketch of its values and nothing else. There are never more buckets than distinct values.
 */
export class QuantileSketch {
  /** Count of bucket `base + i`; nothing outside `from` … `to`. */
  private counts = new Int32Array(smallestArray);
  private base = 0;
  private from = 0;
  private to = -1;
  private scattered: SortedCounts | undefined;
  private total = 0;
  readonly bits: number;
  private readonly shift: number;

  /** @param bits 1 … 20 @throws RangeError for others */
  constructor(bits = 14) {
    if (!(Number.isInteger(bits) && bits >= 1 && bits <= 20)) throw new RangeError('bits must be 1 to 20');
    this.bits = bits;
    this.shift = 20 - bits;
  }

  /** Largest relative error of a quantile. */
  get relativeError(): number {
    return 2 ** -(this.bits + 1);
  }

  /** Values held. */
  get count(): number {
    return this.total;
  }

  /** Buckets in use. */
  get size(): number {
    let used = 0;
    for (const _ of this.buckets()) used++;
    return used;
  }

  get bytes(): number {
    return this.counts.byteLength + (this.scattered?.bytes ?? 0);
  }

  /** @throws RangeError when `x` is not finite */
  add(x: number): void {
    this.addTo(this.bucket(x), 1);
  }

  /** Takes out a value that was added. @throws RangeError when no value of its bucket is held */
  remove(x: number): void {
    this.addTo(this.bucket(x), -1);
  }

  /** Adds everything that `other` holds. @throws RangeError for a sketch of another precision */
  merge(other: QuantileSketch): void {
    if (other.bits !== this.bits) throw new RangeError('sketches of different precision');
    for (const [bucket, count] of [...other.buckets()]) this.addTo(bucket, count);
  }

  /**
   * The value of rank ⌊q · (n − 1)⌋ in ascending order (0 is the smallest), within {@link relativeError}.
   * @param q 0 … 1
   * @returns `null` while empty
   */
  quantile(q: number): number | null {
    const out = new Float64Array(1);
    this.quantilesInto([q], out);
    return this.total === 0 ? null : out[0]!;
  }

  /**
   * {@link quantile} for several ascending fractions in one pass over the buckets; NaN while empty.
   * @throws RangeError when a fraction is not from 0 to 1
   */
  quantilesInto(ascending: readonly number[], out: Float64Array): void {
    for (const q of ascending) if (!(q >= 0 && q <= 1)) throw new RangeError('q must be from 0 to 1');
    if (this.total === 0) {
      out.fill(Number.NaN, 0, ascending.length);
      return;
    }
    const { scattered, counts } = this;
    let i = scattered ? 0 : this.from;
    let below = 0;
    for (let k = 0; k < ascending.length; k++) {
      const rank = Math.floor(ascending[k]! * (this.total - 1));
      for (;;) {
        const count = scattered ? scattered.count(i) : counts[i]!;
        if (rank < below + count) break;
        below += count;
        i++;
      }
      out[k] = this.middle(scattered ? scattered.key(i) : this.base + i);
    }
  }

  /** Buckets in use with their counts, ascending. */
  *buckets(): Generator<readonly [bucket: number, count: number]> {
    if (this.scattered) {
      for (let i = 0; i < this.scattered.size; i++) yield [this.scattered.key(i), this.scattered.count(i)];
    } else {
      for (let i = this.from; i <= this.to; i++) {
        if (this.counts[i]! > 0) yield [this.base + i, this.counts[i]!];
      }
    }
  }

  /** 0 for ±0; otherwise the upper bits of the magnitude, plus 1, with the sign of x: ascending with x. */
  private bucket(x: number): number {
    if (x === 0) return 0;
    if (x - x !== 0) throw new RangeError('value must be finite');
    scratch[0] = x;
    const magnitude = ((words[HIGH]! & 0x7fffffff) >>> this.shift) + 1;
    return x < 0 ? -magnitude : magnitude;
  }

  private middle(bucket: number): number {
    if (bucket === 0) return 0;
    const low = (Math.abs(bucket) - 1) << this.shift;
    words[HIGH] = low;
    words[1 - HIGH] = 0;
    const least = scratch[0]!;
    words[HIGH] = low + (1 << this.shift);
    const end = scratch[0]!;
    // The topmost bucket ends at infinity.
    const x = end - end === 0 ? least + (end - least) / 2 : least * (1 + this.relativeError);
    return bucket < 0 ? -x : x;
  }

  private addTo(bucket: number, by: number): void {
    if (this.scattered) {
      if (this.scattered.add(bucket, by) < 0) throw new RangeError('value is not in the sketch');
      this.total += by;
      if (by < 0) this.gather();
      return;
    }
    const at = bucket - this.base;
    if (at >= 0 && at < this.counts.length) {
      const count = this.counts[at]! + by;
      if (count < 0) throw new RangeError('value is not in the sketch');
      this.counts[at] = count;
      this.total += by;
      if (at < this.from) this.from = at;
      if (at > this.to) this.to = at;
      return;
    }
    if (by < 0) throw new RangeError('value is not in the sketch');
    this.cover(bucket);
    this.addTo(bucket, by);
  }

  /**
   * Moves the array, or makes a larger one, so that it covers `bucket`; or gives it up when the range is too wide.
   */
  private cover(bucket: number): void {
    this.trim();
    const low = this.total === 0 ? bucket : Math.min(bucket, this.base + this.from);
    const high = this.total === 0 ? bucket : Math.max(bucket, this.base + this.to);
    const span = high - low + 1;
    if (span > widestArray) {
      const scattered = new SortedCounts();
      for (const [key, count] of this.buckets()) scattered.add(key, count);
      this.scattered = scattered;
      this.counts = new Int32Array(0);
      return;
    }
    // Room on both sides for at least a quarter of the range: a drifting series moves the array seldom.
    let length = smallestArray;
    while (length < span * 1.5) length *= 2;
    const counts = new Int32Array(length);
    const base = low - ((length - span) >> 1);
    if (this.total > 0) {
      counts.set(this.counts.subarray(this.from, this.to + 1), this.base + this.from - base);
    }
    this.counts = counts;
    this.from = low - base;
    this.to = high - base;
    this.base = base;
  }

  private trim(): void {
    if (this.total === 0) return;
    while (this.counts[this.from] === 0) this.from++;
    while (this.counts[this.to] === 0) this.to--;
  }

  /** Back to an array once the buckets in use are close together again. */
  private gather(): void {
    const { scattered } = this;
    if (!scattered) return;
    const { size } = scattered;
    if (size > 0 && scattered.key(size - 1) - scattered.key(0) >= widestArray / 2) return;
    this.scattered = undefined;
    this.counts = new Int32Array(smallestArray);
    this.base = 0;
    this.from = 0;
    this.to = -1;
    const { total } = this;
    this.total = 0;
    for (let i = 0; i < size; i++) this.addTo(scattered.key(i), scattered.count(i));
    this.total = total;
  }
}
