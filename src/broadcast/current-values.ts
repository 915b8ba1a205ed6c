import { Injectable, type OnApplicationBootstrap, type Type } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { AnalyticsService } from '../analytics/analytics.service.js';
import { PortfolioBook } from '../analytics/portfolio-book.js';
import { Problem } from '../domain/problem.js';
import { Hub } from './hub.js';

/**
 * The present value of a topic on which this process has published nothing yet: a portfolio's summary, a symbol's
 * price. A process without those stages knows none.
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
  }

  /** @returns `undefined` when there is none */
  of(topic: string): unknown {
    try {
      if (topic.startsWith('analytics.')) {
        return this.analytics?.summary(topic.slice('analytics.'.length));
      }
      if (topic.startsWith('prices.')) return this.price(topic.slice('prices.'.length));
    } catch (error) {
      // An unknown portfolio: its topic is empty until it exists.
      if (!(error instanceof Problem)) throw error;
    }
    return undefined;
  }

  private price(symbol: string): unknown {
    const known = this.book?.price(symbol);
    if (known === undefined) return undefined;
    return { symbol, price: known.price, size: null, as_of: new Date(known.tsMs).toISOString(), seq: null };
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
