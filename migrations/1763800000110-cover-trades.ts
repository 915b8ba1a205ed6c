import type { MigrationInterface, QueryRunner } from 'typeorm';

const table = 'trades';
const index = 'trades_portfolio_covering';

/**
 * The page of trades also shows their ids and is ordered by them within one time: with both in the index it is read from
 * the index alone. Built beside the running service, so outside of a transaction.
 */
export class CoverTrades1763800000110 implements MigrationInterface {
  name = 'CoverTrades1763800000110';
  transaction = false;

  async up(runner: QueryRunner): Promise<void> {
    await rebuild(
      runner,
      '(portfolio_id, "timestamp" DESC, id DESC) INCLUDE (symbol, quantity, price, side, seq)',
      'a page of the trades of one portfolio, newest first, from the index alone',
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await rebuild(
      runner,
      '(portfolio_id, "timestamp" DESC) INCLUDE (symbol, quantity, price, side)',
      'the latest trades of one portfolio, from the index alone',
    );
  }
}

/** One statement per call: several in one string would be a transaction. An interrupted build leaves an invalid index. */
async function rebuild(runner: QueryRunner, definition: string, serves: string): Promise<void> {
  await runner.query(`DROP INDEX CONCURRENTLY IF EXISTS ${index}_new`);
  await runner.query(`CREATE INDEX CONCURRENTLY ${index}_new ON ${table} ${definition}`);
  await runner.query(`DROP INDEX CONCURRENTLY IF EXISTS ${index}`);
  await runner.query(`ALTER INDEX ${index}_new RENAME TO ${index}`);
  await runner.query(`COMMENT ON INDEX ${index} IS '${serves}'`);
}
