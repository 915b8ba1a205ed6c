import type { StoredTick, Tick } from '../../src/domain/tick.js';

/** A seeded market: every symbol a random walk, one tick a step, at a steady pace of source time. */
export function seededTicks({
  symbols,
  count,
  seed = 1,
  startMs = Date.UTC(2026, 0, 5, 14, 30),
  everyMs = 250,
}: {
  readonly symbols: readonly string[];
  readonly count: number;
  readonly seed?: number;
  readonly startMs?: number;
  readonly everyMs?: number;
}): Tick[] {
  let state = seed >>> 0;
  const uniform = (): number => {
    state = (Math.imul(1_664_525, state) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  const prices = symbols.map((_, i) => 50 + 25 * i);
  return Array.from({ length: count }, (_, i) => {
    const which = Math.floor(uniform() * symbols.length);
    const price = prices[which]! * (1 + 0.001 * (uniform() - 0.5));
    prices[which] = price;
    return {
      symbol: symbols[which]!,
      tsMs: startMs + i * everyMs,
      price: Math.round(price * 1e4) / 1e4,
      size: Math.floor(uniform() * 1_000),
      sourceId: null,
    };
  });
}

/** The same as the store would announce them. */
export const asStored = (ticks: readonly Tick[], firstSeq = 1): StoredTick[] =>
  ticks.map((tick, i) => ({ ...tick, seq: firstSeq + i }));
