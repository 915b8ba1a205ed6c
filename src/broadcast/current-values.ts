import { Injectable, type OnApplicationBootstrap, type Type } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { AnalyticsService } from '../analytics/analytics.service.js';
import { AnalyticsRuntime } from '../analytics/analytics-runtime.js';
import { PortfolioBook } from '../analytics/portfolio-book.js';
import { Problem } from '../domain/problem.js';
import { LimitEvaluationService } from '../risk/limits/limit-evaluation.service.js';
import { limitView } from '../risk/limits/limit-view.js';
import { LiveRiskService } from '../risk/live/live-risk.service.js';
import { riskMessage } from '../risk/live/risk-figures.js';
import { Hub } from './hub.js';
import type { Present } from './joined.js';
import { PricePublisher } from './publishers/price.publisher.js';
import { TopicNames } from './topic-names.js';

const prices = 'prices.';

/**
 * The present value of a topic on which this process has published nothing yet: a portfolio's summary, its risk, a
 * symbol's price; of its limits, always. A process without those stages knows none. The other way, tells the analytics stage which summaries are followed.
 */
@Injectable()
export class CurrentValues implements OnApplicationBootstrap {
  private analytics: AnalyticsService | undefined;
  private book: PortfolioBook | undefined;
  private liveRisk: LiveRiskService | undefined;
  private evaluation: LimitEvaluationService | undefined;

  constructor(
    private readonly modules: ModuleRef,
    private readonly hub: Hub,
    private readonly prices: PricePublisher,
  ) {}

  onApplicationBootstrap(): void {
    this.analytics = this.find(AnalyticsService);
    this.book = this.find(PortfolioBook as Type<PortfolioBook>);
    this.liveRisk = this.find(LiveRiskService as unknown as Type<LiveRiskService>);
    this.evaluation = this.find(LimitEvaluationService as unknown as Type<LimitEvaluationService>);
    this.hub.currentValue = (topic) => this.of(topic);
    this.hub.onSubscribing = (topic) => {
      if (topic.startsWith(prices)) this.prices.bring(topic.slice(prices.length));
    };
    this.prices.presentMs = (symbol) => this.book?.price(symbol)?.tsMs;
    const runtime = this.find(AnalyticsRuntime as unknown as Type<AnalyticsRuntime>);
    // Who follows a topic on another node is not known here.
    if (runtime !== undefined && this.hub.broker.kind === 'memory') this.spareWork(runtime);
  }

  /** Summaries that nobody follows are not made; who begins to follow a family gets all of it in the next messages. */
  private spareWork({ publisher, engine }: AnalyticsRuntime): void {
    const { hub } = this;
    const topics = new TopicNames('analytics');
    publisher.isFollowed = (portfolioId) => hub.isFollowed(topics.of(portfolioId));
    publisher.passOver = (portfolioId) => hub.passOver(topics.of(portfolioId));
    hub.onFollowed = (name) => {
      if (!name.startsWith(topics.prefix)) return;
      const rest = name.slice(topics.prefix.length);
      const state = engine.state(rest);
      if (state !== undefined) publisher.follow([state]);
      if (!rest.endsWith('*')) return;
      const all = [...engine.allStates()].filter(({ id }) => id.startsWith(rest.slice(0, -1)));
      publisher.follow(all);
      publisher.publishAll(all);
    };
  }

  of(topic: string): Present {
    const dot = topic.indexOf('.');
    const name = topic.slice(dot + 1);
    switch (topic.slice(0, dot)) {
      case 'analytics':
        return this.summary(name);
      case 'risk':
        return this.risk(name);
      case 'limits':
        return this.limits(name);
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

  private risk(portfolioId: string): Present {
    const figures = this.liveRisk?.entry(portfolioId)?.figures ?? null;
    if (figures !== null) return { value: riskMessage(figures) };
    return { reason: this.isKnown(portfolioId) ? 'not_computed' : 'unknown_portfolio' };
  }

  /** Every limit as it stands: messages are changes of one. */
  private limits(portfolioId: string): Present {
    if (this.evaluation === undefined) return { reason: 'nothing_published' };
    if (!this.isKnown(portfolioId)) return { reason: 'unknown_portfolio' };
    const now = Date.now();
    const limits = this.evaluation.book.of(portfolioId).map((limit) => limitView(limit, now));
    return { value: { portfolio_id: portfolioId, as_of: new Date(now).toISOString(), limits } };
  }

  /** Where this process has no portfolios, any may exist. */
  private isKnown(portfolioId: string): boolean {
    return this.book === undefined || this.book.marked(portfolioId) !== undefined;
  }

  private price(symbol: string): Present {
    if (this.book === undefined) return { reason: 'nothing_published' };
    // Whoever has been told that a tick is stored is to see it.
    this.analytics?.catchUp();
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
