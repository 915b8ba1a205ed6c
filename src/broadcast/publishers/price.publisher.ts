import { Injectable } from '@nestjs/common';
import { EventBus } from '../../domain/event-bus.js';
import type { StoredTick, StoredTicks } from '../../domain/tick.js';
import { Lifecycle } from '../../lifecycle/lifecycle.js';
import { Hub } from '../hub.js';

/** A symbol is published at most this often, ms. */
const everyMs = 100;

/** Symbols that are remembered; beyond, the one that is known longest is forgotten. */
const maxRemembered = 100_000;

/** What is known of a symbol; changed in place, thousands of times a second. */
interface Quote {
  readonly topic: string;
  /** The newest tick that is not published. */
  newest: StoredTick | null;
  /** Whether it is among those that are published next. */
  listed: boolean;
  /** Source time of the price that was published last, Unix ms; none: minus infinity. */
  publishedMs: number;
}

/**
 * `ticks.stored` → `prices.{symbol}`: the newest tick of each symbol, ten times a second. Of thousands of symbols few have
 * followers: where there is nobody, the price is not published, and whoever subscribes gets it from the book.
 */
@Injectable()
export class PricePublisher {
  /**
   * It only grows, and ticks are not kept in it: the table of a map that is filled and cleared again and again keeps its
   * successors from being collected as young garbage, and with them all that they held, until the whole heap is.
   */
  private readonly quotes = new Map<string, Quote>();
  /** Those with a tick that is not published, first come first. */
  private readonly listed: Quote[] = [];
  private timer: NodeJS.Timeout | null = null;
  /** Source time of a symbol's present price as the book knows it, Unix ms; `undefined` where it knows none. */
  presentMs: (symbol: string) => number | undefined = () => undefined;

  constructor(
    private readonly hub: Hub,
    events: EventBus,
    lifecycle: Lifecycle,
  ) {
    events.on('ticks.stored', (batch) => this.take(batch));
    lifecycle.onShutdown('drain-clients', 'price publisher', () => {
      if (this.timer !== null) clearTimeout(this.timer);
    });
  }

  /** Publishes what is gathered of a symbol now: somebody begins to follow it, and may know that its tick is stored. */
  bring(symbol: string): void {
    const quote = this.quotes.get(symbol);
    if (quote !== undefined) this.publishNewest(quote);
  }

  private take({ ticks }: StoredTicks): void {
    for (const tick of ticks) {
      const quote = this.quotes.get(tick.symbol) ?? this.remember(tick.symbol);
      // A late tick is stored, but it is not the price.
      if (quote.newest !== null && quote.newest.tsMs > tick.tsMs) continue;
      quote.newest = tick;
      if (quote.listed) continue;
      quote.listed = true;
      this.listed.push(quote);
    }
    if (this.timer === null) this.publish();
  }

  private remember(symbol: string): Quote {
    if (this.quotes.size >= maxRemembered) this.quotes.delete(this.quotes.keys().next().value!);
    const quote: Quote = {
      topic: `prices.${symbol}`,
      newest: null,
      listed: false,
      publishedMs: Number.NEGATIVE_INFINITY,
    };
    this.quotes.set(symbol, quote);
    return quote;
  }

  private publish(): void {
    this.timer = null;
    if (this.listed.length === 0) return;
    for (const quote of this.listed) {
      quote.listed = false;
      this.publishNewest(quote);
    }
    this.listed.length = 0;
    this.timer = setTimeout(() => this.publish(), everyMs);
  }

  private publishNewest(quote: Quote): void {
    const { topic, newest: tick } = quote;
    if (tick === null) return;
    quote.newest = null;
    const { symbol, price, size, tsMs, seq } = tick;
    if (this.hub.passOver(topic)) return;
    // The book may be a moment behind what was published, and knows what was passed over.
    if (tsMs < quote.publishedMs || tsMs < (this.presentMs(symbol) ?? tsMs)) return;
    quote.publishedMs = tsMs;
    this.hub.publish(topic, { symbol, price, size, as_of: new Date(tsMs).toISOString(), seq });
  }
}
