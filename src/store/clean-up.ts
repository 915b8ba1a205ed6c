import type { Database } from './database.js';

/** Longer than any sender waits. A process that was cut off for longer looks for its rows instead. */
const batchMarkerMinutes = 15;
/** How long the answer to an `Idempotency-Key` is repeated. */
const idempotencyHours = 24;
/** Closed connections are kept as long as their metrics. */
const closedConnectionDays = 7;
/** A process that has said nothing for so long is gone. */
const silentMinutes = 10;
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
  // Of a process that was killed; one that lives tells so every ten seconds.
  await maintenance.query(
    `UPDATE websocket_connections SET disconnected_at = now(), close_code = 1006
     WHERE disconnected_at IS NULL AND connected_at < now() - interval '${silentMinutes} minutes'
       AND node NOT IN (SELECT node FROM websocket_metrics
         WHERE metric_type = 'connections' AND "timestamp" > now() - interval '${silentMinutes} minutes')`,
  );
  await maintenance.query(`DELETE FROM dead_letters WHERE at < now() - interval '${deadLetterDays} days'`);
}
