/** Equal sub-buckets per doubling: quantiles are right to within 1/64 ≈ 1.6 %. */
const perOctave = 32;
/** Smallest and largest value told apart, as powers of two: 2^-20 ≈ 1 µs up to 2^40 ≈ 1 TB. */
const minExponent = -20;
const maxExponent = 40;
const buckets = (maxExponent - minExponent) * perOctave + 1;

/** What happened within a window of time. `null`, never 0, where nothing did. */
export interface WindowReading {
  readonly windowSeconds: number;
  readonly count: number;
  readonly average: number | null;
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
  readonly max: number | null;
  /** The newest value. */
  readonly last: number | null;
  /** `sum / windowSeconds`: for rows that add up how many there were. */
  readonly perSecond: number;
  /** Unix ms of the newest value; `null` when there never was one. */
  readonly lastAtMs: number | null;
}

/**
 * Values of the last minutes in bounded memory: a ring of slots, each with exact count, sum and maximum and a
 * histogram of finer and finer buckets for the quantiles. One `add` costs some tens of nanoseconds and allocates nothing.
 */
export class RollingWindow {
  private readonly counts: Uint32Array;
  private readonly totals: Float64Array;
  private readonly sums: Float64Array;
  private readonly maxima: Float64Array;
  private readonly slotIds: Float64Array;
  /** The slot that is being filled, and when it ends. */
  private slot = 0;
  private slotEndsAtMs = 0;
  private last: number | null = null;
  private lastAtMs: number | null = null;

  /**
   * @param now Unix ms
   * @param adding the same for {@link add}, where it may lag a little for being cheaper
   * @param slots how many slots the ring has; the longest window is `slots × slotMs`
   */
  constructor(
    private readonly now: () => number = Date.now,
    private readonly adding: () => number = now,
    private readonly slots = 60,
    private readonly slotMs = 5_000,
  ) {
    this.counts = new Uint32Array(slots * buckets);
    this.totals = new Float64Array(slots);
    this.sums = new Float64Array(slots);
    this.maxima = new Float64Array(slots);
    this.slotIds = new Float64Array(slots).fill(-1);
  }

  /** @param value ≥ 0; anything else is ignored */
  add(value: number): void {
    if (!(value >= 0)) return;
    const at = this.adding();
    if (at >= this.slotEndsAtMs || at < this.slotEndsAtMs - this.slotMs) this.enterSlot(at);
    const slot = this.slot;
    const index = slot * buckets + bucketOf(value);
    this.counts[index] = (this.counts[index] as number) + 1;
    this.totals[slot] = (this.totals[slot] as number) + 1;
    this.sums[slot] = (this.sums[slot] as number) + value;
    if (value > (this.maxima[slot] as number)) this.maxima[slot] = value;
    this.last = value;
    this.lastAtMs = at;
  }

  /** @param windowSeconds rounded up to whole slots, at most the ring's length */
  read(windowSeconds: number): WindowReading {
    const at = this.now();
    const newest = Math.floor(at / this.slotMs);
    const want = Math.min(this.slots, Math.max(1, Math.ceil((windowSeconds * 1000) / this.slotMs)));
    // The newest slot is still filling; its elapsed part, not its whole length, is what the rate is divided by.
    const seconds = ((want - 1) * this.slotMs + Math.max(1, at - newest * this.slotMs)) / 1000;
    const live: number[] = [];
    let count = 0;
    let sum = 0;
    let max = 0;
    for (let slot = 0; slot < this.slots; slot++) {
      const id = this.slotIds[slot] as number;
      if (id <= newest - want || id > newest) continue;
      live.push(slot);
      count += this.totals[slot] as number;
      sum += this.sums[slot] as number;
      max = Math.max(max, this.maxima[slot] as number);
    }
    const [p50, p95, p99] = count === 0 ? [null, null, null] : this.quantiles(live, count, max);
    return {
      windowSeconds: (want * this.slotMs) / 1000,
      count,
      average: count === 0 ? null : sum / count,
      p50: p50 ?? null,
      p95: p95 ?? null,
      p99: p99 ?? null,
      max: count === 0 ? null : max,
      last: this.last,
      perSecond: sum / seconds,
      lastAtMs: this.lastAtMs,
    };
  }

  private enterSlot(at: number): void {
    const id = Math.floor(at / this.slotMs);
    this.slot = id % this.slots;
    this.slotEndsAtMs = (id + 1) * this.slotMs;
    // The clock may have been set back into a slot that is still held.
    if (this.slotIds[this.slot] !== id) this.recycle(this.slot, id);
  }

  private recycle(slot: number, id: number): void {
    this.counts.fill(0, slot * buckets, (slot + 1) * buckets);
    this.totals[slot] = 0;
    this.sums[slot] = 0;
    this.maxima[slot] = 0;
    this.slotIds[slot] = id;
  }

  private quantiles(live: readonly number[], count: number, max: number): number[] {
    const ranks = [0.5, 0.95, 0.99].map((q) => Math.ceil(q * count));
    const out: number[] = [];
    let seen = 0;
    for (let b = 0; b < buckets && out.length < ranks.length; b++) {
      for (const slot of live) seen += this.counts[slot * buckets + b] as number;
      while (out.length < ranks.length && seen >= (ranks[out.length] as number)) {
        out.push(Math.min(max, middleOf(b)));
      }
    }
    return out;
  }
}

/** A number seen as its bits: exponent and first fraction bits are the bucket, at a fraction of a logarithm's price. */
const asNumber = new Float64Array(1);
const asBits = new Uint32Array(asNumber.buffer);
/** Where in memory the half with the exponent is. */
const highHalf = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1 ? 1 : 0;
const exponentBias = 1023;

function bucketOf(value: number): number {
  asNumber[0] = value;
  // Sign and 11 bits of exponent, 20 of the fraction; of those the first 5 tell the 32 sub-buckets apart.
  const b = ((asBits[highHalf] as number) >>> 15) - (exponentBias + minExponent) * perOctave + 1;
  return b < 0 ? 0 : b >= buckets ? buckets - 1 : b;
}

/** The middle of a bucket; bucket 0 holds what is too small to tell from nothing. */
function middleOf(b: number): number {
  if (b === 0) return 0;
  const octave = Math.floor((b - 1) / perOctave);
  const within = (b - 1) % perOctave;
  return 2 ** (minExponent + octave) * (1 + (within + 0.5) / perOctave);
}
