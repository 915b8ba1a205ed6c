import { Injectable } from '@nestjs/common';
import { notFound } from '../domain/problem.js';
import { AnalyticsRuntime } from './analytics-runtime.js';
import { explain } from './explain.js';
import type { MarkedPortfolio } from './portfolio-book.js';
import { type Summary, summaryOf } from './summary.js';

/** Longest time that an answer waits for ticks that were acknowledged and are not applied yet, ms. */
const catchUpMs = 20;

/** What clients ask of the engine. */
@Injectable()
export class AnalyticsService {
  constructor(private readonly runtime: AnalyticsRuntime) {}

  /** The statistics of a portfolio, including what was acknowledged before unless too much of it waits. @throws Problem 404 */
  summary(portfolioId: string): Summary {
    const { engine, calculators, feed } = this.runtime;
    const state = this.state(portfolioId);
    const summary = summaryOf(engine, state, calculators.fresh(state), Date.now());
    if (summary.reason === null || feed.waitingTicks === 0) return summary;
    return { ...summary, reason: `${summary.reason}; ${feed.waitingTicks} stored ticks wait to be applied` };
  }

  /** Where the numbers come from. @throws Problem 404 */
  explain(portfolioId: string): Record<string, unknown> {
    return explain(this.state(portfolioId), this.runtime, Date.now());
  }

  /** Applies stored ticks that wait, as far as a few ms go. */
  catchUp(): void {
    this.runtime.feed.catchUp(catchUpMs);
  }

  /** The portfolio at the latest prices; `undefined` when the engine does not know it. */
  marked(portfolioId: string): MarkedPortfolio | undefined {
    this.catchUp();
    return this.runtime.engine.marked(portfolioId);
  }

  private state(portfolioId: string) {
    this.catchUp();
    const state = this.runtime.engine.state(portfolioId);
    if (!state) throw notFound('portfolio', portfolioId);
    return state;
  }
}
