import type { PoolClient } from 'pg';
import type { Portfolio, Position } from '../domain/portfolio.js';
import { notFound } from '../domain/problem.js';

export interface PortfolioRow {
  id: string;
  name: string;
  currency: string;
  revision: number;
  updated_ms: number;
  positions: Position[];
}

/** Portfolios with their positions; a condition or an order follows. */
export const selectPortfolio = `SELECT p.id, p.name, p.currency, p.revision::float8 AS revision,
    (extract(epoch FROM p.updated_at) * 1000)::float8 AS updated_ms,
    (SELECT coalesce(json_agg(json_build_object('symbol', h.symbol, 'quantity', h.quantity::float8)
      ORDER BY h.symbol COLLATE "C"), '[]') FROM positions h WHERE h.portfolio_id = p.id) AS positions
  FROM portfolios p`;

export const toPortfolio = (r: PortfolioRow): Portfolio => ({
  id: r.id,
  name: r.name,
  currency: r.currency,
  positions: r.positions,
  revision: r.revision,
  updatedAtMs: r.updated_ms,
});

/** @throws Problem 404 */
export async function readOne(client: PoolClient, id: string): Promise<Portfolio> {
  const { rows } = await client.query<PortfolioRow>(`${selectPortfolio} WHERE p.id = $1`, [id]);
  if (!rows[0]) throw notFound('portfolio', id);
  return toPortfolio(rows[0]);
}
