import { CloseHistory, type Closes } from '../../src/risk/history/close-history.js';

/** Deterministic noise in (−1, 1). */
export const noise = (i: number): number => (Math.sin(i * 12.9898 + 1) * 43_758.5453) % 1;

/** Daily closes in memory. */
export class FakeCloses extends CloseHistory {
  readonly series = new Map<string, Closes>();
  reads = 0;
  /** Reading fails, as when the database is away. */
  broken = false;

  /** A random walk of `days` closes that ends on day 20,000; `skip` leaves days out. */
  walk(symbol: string, days: number, seed: number, skip: (day: number) => boolean = () => false): void {
    const kept: number[] = [];
    const closes: number[] = [];
    let price = 100;
    for (let t = 0; t < days; t++) {
      price *= 1 + 0.02 * noise(seed * 7919 + t);
      const day = 20_000 - days + 1 + t;
      if (skip(day)) continue;
      kept.push(day);
      closes.push(price);
    }
    this.series.set(symbol, { symbol, days: Int32Array.from(kept), closes: Float64Array.from(closes) });
  }

  override async closes(
    symbols: readonly string[],
    { limit }: { limit: number },
  ): Promise<readonly Closes[]> {
    this.reads++;
    if (this.broken) throw new Error('the database is away');
    return symbols.flatMap((symbol) => {
      const s = this.series.get(symbol);
      return s ? [{ symbol, days: s.days.slice(-limit), closes: s.closes.slice(-limit) }] : [];
    });
  }
}
