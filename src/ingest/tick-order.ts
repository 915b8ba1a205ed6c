import type { Tick } from '../domain/tick.js';
import type { CounterHandle } from '../observability/metrics.js';

/** Symbols whose newest time is remembered; of further ones nothing is counted. */
const maxSymbols = 100_000;

/** A tick this far behind the newest of its symbol changes roll-up buckets that have been read already. */
const lateAfterMs = 60_000;

/** Counts stored ticks that came out of order. They are stored like all others; this only makes it visible. */
export class TickOrder {
  /** Places in {@link newest}: a time in a map would be a new object for every tick, and the collector of garbage had to move it. */
  private readonly places = new Map<string, number>();
  private newest = new Float64Array(256);

  constructor(
    private readonly outOfOrder: CounterHandle,
    private readonly late: CounterHandle,
  ) {}

  observe(ticks: readonly Tick[]): void {
    let outOfOrder = 0;
    let late = 0;
    for (const { symbol, tsMs } of ticks) {
      const place = this.places.get(symbol);
      if (place === undefined) {
        this.add(symbol, tsMs);
        continue;
      }
      const newest = this.newest[place]!;
      if (tsMs > newest) {
        this.newest[place] = tsMs;
      } else if (tsMs < newest) {
        outOfOrder++;
        if (newest - tsMs > lateAfterMs) late++;
      }
    }
    if (outOfOrder > 0) this.outOfOrder.inc(outOfOrder);
    if (late > 0) this.late.inc(late);
  }

  private add(symbol: string, tsMs: number): void {
    const place = this.places.size;
    if (place === maxSymbols) return;
    if (place === this.newest.length) {
      const wider = new Float64Array(2 * place);
      wider.set(this.newest);
      this.newest = wider;
    }
    this.newest[place] = tsMs;
    this.places.set(symbol, place);
  }
}
