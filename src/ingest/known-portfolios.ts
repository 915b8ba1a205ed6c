import type { EventBus } from '../domain/event-bus.js';
import type { MetricPoint } from '../domain/metric-point.js';
import type { PortfolioRepository } from '../store/portfolio.repository.js';
import { quoted } from './parse/row-fault.js';

/** A portfolio that another process has deleted is taken for existing this long at most. */
const forgetAfterMs = 60_000;
const maxKnown = 200_000;

export interface UnknownRow {
  readonly index: number;
  readonly code: 'UNKNOWN_PORTFOLIO';
  readonly message: string;
}

/**
 * Refuses metric points of portfolios that do not exist. Ids seen lately cost a look into a set per row; others are asked
 * for once per append, so that a portfolio made a moment ago, here or in another process, is found.
 */
export class KnownPortfolios {
  private known = new Set<string>();
  private since: number;

  constructor(
    private readonly portfolios: Pick<PortfolioRepository, 'existing'>,
    bus: EventBus,
    private readonly now: () => number = Date.now,
  ) {
    this.since = now();
    bus.on('portfolio.changed', ({ kind, portfolio }) => {
      if (kind === 'deleted') this.known.delete(portfolio.id);
    });
  }

  /**
   * @returns the points of existing portfolios (the same array when all are) and the others, by their index
   * @throws Problem 503 when the database cannot be asked
   */
  async check(
    points: readonly MetricPoint[],
  ): Promise<{ readonly rows: readonly MetricPoint[]; readonly unknown: readonly UnknownRow[] }> {
    if (this.now() - this.since > forgetAfterMs || this.known.size > maxKnown) {
      this.known = new Set();
      this.since = this.now();
    }
    const { known } = this;
    const unseen = new Set<string>();
    for (const { portfolioId } of points) if (!known.has(portfolioId)) unseen.add(portfolioId);
    if (unseen.size === 0) return { rows: points, unknown: [] };
    const existing = await this.portfolios.existing([...unseen]);
    for (const id of existing) known.add(id);
    if (existing.size === unseen.size) return { rows: points, unknown: [] };
    const rows: MetricPoint[] = [];
    const unknown: UnknownRow[] = [];
    points.forEach((point, index) => {
      if (!unseen.has(point.portfolioId) || existing.has(point.portfolioId)) rows.push(point);
      else unknown.push({ index, code: 'UNKNOWN_PORTFOLIO', message: message(point.portfolioId) });
    });
    return { rows, unknown };
  }
}

const message = (id: string): string => `There is no portfolio ${quoted(id)}.`;
