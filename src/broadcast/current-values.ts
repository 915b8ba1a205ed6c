import { Injectable, type OnApplicationBootstrap, type Type } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { AnalyticsService } from '../analytics/analytics.service.js';
import { AnalyticsRuntime } from '../analytics/analytics-runtime.js';
import { PortfolioBook } from '../analytics/portfolio-book.js';
import { Problem } from '../domain/problem.js';
import { Hub, type Present } from './hub.js';

/**
 * The present value of a topic on which this process has published nothing yet: a portfolio's summary, a symbol's
 * price. A process without those stages knows none. The other way, tells the analytics stage which summaries are followed.
 */
@Injectable()
export class CurrentValues implements OnApplicationBootstrap {
  private analytics: AnalyticsService | undefined;
  private book: PortfolioBook | undefined;

  constructor(
    private readonly modules: ModuleRef,
    private readonly hub: Hub,
  ) {}

  onApplicationBootstrap(): void {
    this.analytics = this.find(AnalyticsService);
    this.book = this.find(PortfolioBook as Type<PortfolioBook>);
    this.hub.currentValue = (topic) => this.of(topic);
    const runtime = this.find(AnalyticsRuntime as unknown as Type<AnalyticsRuntime>);
    // Who follows a topic on another node is not known here.
    if (runtime !== undefined && this.hub.broker.kind === 'memory') {
      runtime.publisher.isFollowed = (portfolioId) => this.hub.isFollowed(`analytics.${portfolioId}`);
    }
  }

  of(topic: string): Present {
    const dot = topic.indexOf('.');
    const name = topic.slice(dot + 1);
    switch (topic.slice(0, dot)) {
      case 'analytics':
        return this.summary(name);
      case 'risk':
      case 'limits':
        return this.isKnown(name) ? { reason: 'nothing_published' } : { reason: 'unknown_portfolio' };
      case 'prices':
        return this.price(name);
      default:
        return { reason: 'nothing_published' };
    }
  }

  private summary(portfolioId: string): Present {
    if (this.analytics === undefined) return { reason: 'nothing_published' };
    try {
      return { value: this.analytics.summary(portfolioId) };
    } catch (error) {
      // The topic is empty until the portfolio exists.
      if (error instanceof Problem) return { reason: 'unknown_portfolio' };
      throw error;
    }
  }

  /** Where this process has no portfolios, any may exist. */
  private isKnown(portfolioId: string): boolean {
    return this.book === undefined || this.book.marked(portfolioId) !== undefined;
  }

  private price(symbol: string): Present {
    if (this.book === undefined) return { reason: 'nothing_published' };
    const known = this.book.price(symbol);
    if (known === undefined) return { reason: 'no_price' };
    const asOf = new Date(known.tsMs).toISOString();
    return { value: { symbol, price: known.price, size: null, as_of: asOf, seq: null } };
  }

  private find<T>(type: Type<T>): T | undefined {
    try {
      return this.modules.get(type, { strict: false });
    } catch {
      // Nest throws for a provider that this process does not have.
      return undefined;
    }
  }
}
