import type { MigrationInterface, QueryRunner } from 'typeorm';
import { createIndex } from './time-table.js';

/** Portfolios, what they hold, every change of it in `seq` order, and the trades that caused it. */
export class CreatePortfolios1763800000002 implements MigrationInterface {
  name = 'CreatePortfolios1763800000002';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`CREATE TABLE portfolios (
      id text PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 64),
      name text NOT NULL,
      currency text NOT NULL,
      revision bigint NOT NULL,
      created_at timestamptz NOT NULL DEFAULT now(),
      updated_at timestamptz NOT NULL)`);

    // numeric: 0.1 + 0.2 bought is 0.3 held, however many trades it took.
    await runner.query(`CREATE TABLE positions (
      portfolio_id text NOT NULL REFERENCES portfolios ON DELETE CASCADE,
      symbol text NOT NULL,
      quantity numeric NOT NULL,
      PRIMARY KEY (symbol, portfolio_id))`);
    await createIndex(
      runner,
      'positions_portfolio_hash',
      'positions USING hash (portfolio_id)',
      'the positions of one portfolio (the primary key leads with the symbol: who holds it)',
    );

    await runner.query(`CREATE TABLE position_changes (
      seq bigint PRIMARY KEY,
      portfolio_id text NOT NULL,
      kind text NOT NULL CHECK (kind IN ('put', 'traded', 'deleted')),
      portfolio jsonb NOT NULL,
      at timestamptz NOT NULL)`);
    await runner.query(
      "COMMENT ON TABLE position_changes IS 'The state of a portfolio after each change, in the order that ticks share'",
    );
    await createIndex(
      runner,
      'position_changes_portfolio',
      'position_changes (portfolio_id, seq DESC)',
      'the state of one portfolio at a point of the order',
    );

    await runner.query(`CREATE TABLE trades (
      portfolio_id text NOT NULL,
      id text NOT NULL,
      seq bigint NOT NULL,
      symbol text NOT NULL,
      side text NOT NULL CHECK (side IN ('buy', 'sell')),
      quantity numeric NOT NULL CHECK (quantity > 0),
      price numeric NOT NULL CHECK (price > 0),
      "timestamp" timestamptz NOT NULL,
      recorded_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (portfolio_id, id))`);
    await createIndex(
      runner,
      'trades_portfolio_covering',
      'trades (portfolio_id, "timestamp" DESC) INCLUDE (symbol, quantity, price, side)',
      'the latest trades of one portfolio, from the index alone',
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE trades, position_changes, positions, portfolios');
  }
}
