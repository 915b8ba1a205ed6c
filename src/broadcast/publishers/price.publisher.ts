import { Injectable } from '@nestjs/common';
import { EventBus } from '../../domain/event-bus.js';
import type { StoredTick, StoredTicks } from '../../domain/tick.js';
import { Lifecycle } from '../../lifecycle/lifecycle.js';
import { Hub } from '../hub.js';
import { TopicNames } from '../topic-names.js';

/** A symbol is published at most this often, ms. */
const everyMs = 100;

/** Symbols of which it is remembered how new the published price was; beyond, the one that is longest in this list is forgotten. */
const maxRemembered = 100_000;

/**
 * `ticks.stored` → `prices.{symbol}`: the newest tick of each symbol, ten times a second. Of thousands of symbols few have
 * followers: where there is nobody, the price is not published, and whoever subscribes gets it from the book.
 */
@Injectable()
export class PricePublisher {
  private readonly newest = new Map<string, StoredTick>();
  private readonly topics = new TopicNames('prices');
  /** Source time of the price that was published last, Unix ms. */
  private readonly published = new Map<string, number>();
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
    const tick = this.newest.get(symbol);
    if (tick === undefined) return;
    this.newest.delete(symbol);
    this.publishOne(tick);
  }

  private take({ ticks }: StoredTicks): void {
    for (const tick of ticks) {
      // A late tick is stored, but it is not the price.
      const known = this.newest.get(tick.symbol);
      if (known === undefined || known.tsMs <= tick.tsMs) this.newest.set(tick.symbol, tick);
    }
    if (this.timer === null) this.publish();
  }

  /** The book may be a moment behind what was published, and knows what was passed over. */
  private isLate({ symbol, tsMs }: StoredTick): boolean {
    return tsMs < (this.published.get(symbol) ?? tsMs) || tsMs < (this.presentMs(symbol) ?? tsMs);
  }

  private publish(): void {
    this.timer = null;
    if (this.newest.size === 0) return;
    for (const tick of this.newest.values()) this.publishOne(tick);
    this.newest.clear();
    this.timer = setTimeout(() => this.publish(), everyMs);
  }

  private publishOne(tick: StoredTick): void {
    const { symbol, tsMs } = tick;
    const topic = this.topics.of(symbol);
    if (this.hub.passOver(topic) || this.isLate(tick)) return;
    this.published.set(symbol, tsMs);
    if (this.published.size > maxRemembered) this.published.delete(this.published.keys().next().value!);
    const { price, size, seq } = tick;
    this.hub.publish(topic, { symbol, price, size, as_of: new Date(tsMs).toISOString(), seq });
  }
}
