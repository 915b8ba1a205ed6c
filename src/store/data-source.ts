import { DataSource } from 'typeorm';
import { migrations } from '../../migrations/index.js';

/**
 * The one TypeORM DataSource: of the server at start and of `tidewatch migrate`. `each`: a migration can opt out of its
 * transaction (`CREATE INDEX CONCURRENTLY`) only in this mode, and a failed one leaves those before it in place.
 */
export function createDataSource(url: string): DataSource {
  return new DataSource({
    type: 'postgres',
    url,
    migrations: [...migrations],
    migrationsTableName: 'schema_migrations',
    migrationsTransactionMode: 'each',
    synchronize: false,
    applicationName: 'tidewatch migrate',
    poolSize: 1,
    extra: { lock_timeout: 5_000, idle_in_transaction_session_timeout: 60_000 },
  });
}
