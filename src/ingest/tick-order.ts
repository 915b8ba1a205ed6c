import type { Tick } from '../domain/tick.js';
import type { CounterHandle } from '../observability/metrics.js';

/** Symbols whose newest time is remembered; of further ones nothing is counted. */
const maxSymbols = 100_000;

/** A tick this far behind the newest of its symbol changes roll-up buckets that have been read already. */
const lateAfterMs = 60_000;

/** Counts stored ticks that came out of order. They are stored like all others; this only makes it visible. */
export class TickOrder {
  private readonly newest = new Map<string, number>();

  constructor(
    private readonly outOfOrder: CounterHandle,
    private readonly late: CounterHandle,
  ) {}

  observe(ticks: readonly Tick[]): void {
    let outOfOrder = 0;
    let late = 0;
    for (const { symbol, tsMs } of ticks) {
      const newest = this.newest.get(symbol);
      if (newest === undefined) {
        if (this.newest.size < maxSymbols) this.newest.set(symbol, tsMs);
      } else if (tsMs > newest) {
        this.newest.set(symbol, tsMs);
      } else if (tsMs < newest) {
        outOfOrder++;
        if (newest - tsMs > lateAfterMs) late++;
      }
    }
    if (outOfOrder > 0) this.outOfOrder.inc(outOfOrder);
    if (late > 0) this.late.inc(late);
  }
}
