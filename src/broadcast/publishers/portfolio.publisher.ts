import { Injectable } from '@nestjs/common';
import { EventBus } from '../../domain/event-bus.js';
import type { LimitTransition, SummaryReady } from '../../domain/events.js';
import { traced } from '../../observability/tracing/tracing.js';
import { BroadcastMetrics } from '../broadcast.metrics.js';
import { Hub } from '../hub.js';

/** What a portfolio's followers see: `analytics.{id}`, `risk.{id}` and `limits.{id}`. */
@Injectable()
export class PortfolioPublisher {
  constructor(
    private readonly hub: Hub,
    private readonly metrics: BroadcastMetrics,
    events: EventBus,
  ) {
    const published = <E extends { readonly portfolioId: string }>(
      family: string,
      publish: (event: E) => void,
    ) =>
      traced(`publish ${family}`, publish, ({ portfolioId }) => ({
        'tidewatch.topic': `${family}.${portfolioId}`,
      }));
    events.on(
      'summary.ready',
      published('analytics', (event) => this.summary(event)),
    );
    events.on(
      'risk.ready',
      published('risk', ({ portfolioId, data }) => hub.publish(`risk.${portfolioId}`, data)),
    );
    events.on(
      'limit.transition',
      published('limits', (event) => this.limit(event)),
    );
  }

  private summary({ portfolioId, data, hops }: SummaryReady): void {
    const publishedMs = Date.now();
    if (hops.ingestedMs !== null) {
      this.metrics.ageSeconds.observe(Math.max(0, publishedMs - hops.ingestedMs) / 1000);
    }
    this.hub.publish(`analytics.${portfolioId}`, {
      ...data,
      hops: {
        source_ms: hops.sourceMs,
        ingested_ms: hops.ingestedMs,
        stored_ms: hops.storedMs,
        computed_ms: hops.computedMs,
        due_ms: hops.dueMs,
        published_ms: publishedMs,
      },
    });
  }

  private limit(event: LimitTransition): void {
    this.hub.publish(`limits.${event.portfolioId}`, {
      portfolio_id: event.portfolioId,
      limit_id: event.limitId,
      limit_type: event.limitType,
      from: event.from,
      to: event.to,
      value: event.value,
      threshold_value: event.thresholdValue,
      warning_threshold: event.warningThreshold,
      at: new Date(event.atMs).toISOString(),
    });
  }
}
