import { Injectable } from '@nestjs/common';
import { EventBus } from '../../domain/event-bus.js';
import type { StoredTick, StoredTicks } from '../../domain/tick.js';
import { Lifecycle } from '../../lifecycle/lifecycle.js';
import { Hub } from '../hub.js';
import { TopicNames } from '../topic-names.js';

/** A symbol is published at most this often, ms. */
const everyMs = 100;

/**
 * `ticks.stored` → `prices.{symbol}`: the newest tick of each symbol, ten times a second. Of thousands of symbols few have
 * followers: where there is nobody, the price is not published, and whoever subscribes gets it from the book.
 */
@Injectable()
export class PricePublisher {
  private readonly newest = new Map<string, StoredTick>();
  private readonly topics = new TopicNames('prices');
  private timer: NodeJS.Timeout | null = null;

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

  private take({ ticks }: StoredTicks): void {
    for (const tick of ticks) {
      // A late tick is stored, but it is not the price.
      const known = this.newest.get(tick.symbol);
      if (known === undefined || known.tsMs <= tick.tsMs) this.newest.set(tick.symbol, tick);
    }
    if (this.timer === null) this.publish();
  }

  private publish(): void {
    this.timer = null;
    if (this.newest.size === 0) return;
    for (const tick of this.newest.values()) {
      const topic = this.topics.of(tick.symbol);
      if (this.hub.passOver(topic)) continue;
      this.hub.publish(topic, {
        symbol: tick.symbol,
        price: tick.price,
        size: tick.size,
        as_of: new Date(tick.tsMs).toISOString(),
        seq: tick.seq,
      });
    }
    this.newest.clear();
    this.timer = setTimeout(() => this.publish(), everyMs);
  }
}
