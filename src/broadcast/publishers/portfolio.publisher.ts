import { Injectable } from '@nestjs/common';
import { EventBus } from '../../domain/event-bus.js';
import type { LimitTransition, PortfolioChanged, RiskReady, SummaryReady } from '../../domain/events.js';
import { traced } from '../../observability/tracing/tracing.js';
import { BroadcastMetrics } from '../broadcast.metrics.js';
import { Hub } from '../hub.js';
import { TopicNames } from '../topic-names.js';

/** The summary of a portfolio that is not there any more. */
const nothing = {
  window: { size: 0, capacity: 0, ready: false },
  current_value: null,
  mean: null,
  std: null,
  min: null,
  max: null,
  trend: null,
  volatility: null,
  momentum: { momentum_1: null, momentum_5: null, momentum_10: null },
  calculators: {},
} as const;

/** Deleted portfolios that are remembered: what was being computed for one may still come. */
const maxGone = 1_000;

/** What a portfolio's followers see: `analytics.{id}`, `risk.{id}` and `limits.{id}`. */
@Injectable()
export class PortfolioPublisher {
  private readonly gone = new Set<string>();
  private readonly summaries = new TopicNames('analytics');

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
      published('risk', (event) => this.risk(event)),
    );
    events.on(
      'limit.transition',
      published('limits', (event) => this.limit(event)),
    );
    events.on('portfolio.changed', (change) => this.changed(change));
  }

  private changed({ kind, portfolio: { id } }: PortfolioChanged): void {
    this.gone.delete(id);
    if (kind !== 'deleted') return;
    this.gone.add(id);
    if (this.gone.size > maxGone) this.gone.delete(this.gone.values().next().value!);
    // The last figures would stand as a snapshot for ever, and those who follow would take them for live.
    const end = { portfolio_id: id, as_of: new Date().toISOString(), data_age_ms: 0, reason: 'deleted' };
    this.hub.publish(`analytics.${id}`, { ...end, ...nothing });
    this.hub.publish(`risk.${id}`, { ...end, var: null, expected_shortfall: null });
  }

  private risk({ portfolioId, data }: RiskReady): void {
    if (!this.gone.has(portfolioId)) this.hub.publish(`risk.${portfolioId}`, data);
  }

  private summary({ portfolioId, data, hops }: SummaryReady): void {
    if (this.gone.has(portfolioId)) return;
    const publishedMs = Date.now();
    if (hops.ingestedMs !== null) {
      this.metrics.ageSeconds.observe(Math.max(0, publishedMs - hops.ingestedMs) / 1000);
    }
    this.hub.publish(this.summaries.of(portfolioId), {
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
