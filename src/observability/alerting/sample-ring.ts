/** Times and values of one series at a fixed step, newest last; old ones are overwritten. `NaN` is no value. */
export class SampleRing {
  private readonly times: Float64Array;
  private readonly values: Float64Array;
  private next = 0;
  private size = 0;

  constructor(
    readonly capacity: number,
    private readonly stepMs: number,
  ) {
    this.times = new Float64Array(capacity);
    this.values = new Float64Array(capacity);
  }

  /** Keeps the value unless the last one is younger than the step. */
  offer(atMs: number, value: number): void {
    if (this.size > 0 && atMs - this.time(this.size - 1) < this.stepMs) return;
    this.times[this.next] = atMs;
    this.values[this.next] = value;
    this.next = (this.next + 1) % this.capacity;
    if (this.size < this.capacity) this.size++;
  }

  get length(): number {
    return this.size;
  }

  /** Time of the i-th kept value, oldest first. */
  time(i: number): number {
    return this.times[this.slot(i)] as number;
  }

  value(i: number): number {
    return this.values[this.slot(i)] as number;
  }

  /** Index of the newest value at or before `atMs`; −1 when all are younger. */
  indexAtOrBefore(atMs: number): number {
    let low = 0;
    let high = this.size;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.time(middle) <= atMs) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  private slot(i: number): number {
    return (this.next - this.size + i + this.capacity) % this.capacity;
  }
}
