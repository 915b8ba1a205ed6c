import type { Database } from './database.js';

/** Longer than any retry of a batch: afterwards nobody asks for its marker. */
const batchMarkerMinutes = 15;
/** How long the answer to an `Idempotency-Key` is repeated. */
export const idempotencyHours = 24;
/** Closed connections are kept as long as their metrics. */
const closedConnectionDays = 7;
const deadLetterDays = 90;

/** Removes what has outlived its purpose from the tables that are not partitioned. */
export async function cleanUp({ maintenance }: Database): Promise<void> {
  await maintenance.query(
    `DELETE FROM write_batches WHERE at < now() - interval '${batchMarkerMinutes} minutes'`,
  );
  await maintenance.query(
    `DELETE FROM idempotency_keys WHERE created_at < now() - interval '${idempotencyHours} hours'`,
  );
  await maintenance.query(
    `DELETE FROM websocket_connections WHERE disconnected_at < now() - interval '${closedConnectionDays} days'`,
  );
  await maintenance.query(`DELETE FROM dead_letters WHERE at < now() - interval '${deadLetterDays} days'`);
}
