import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from '../database.js';
import { messageOf } from '../writer/sqlstate.js';

const attempts = 50;
const pauseMs = 200;

/**
 * Refreshes a continuous aggregate where rows have changed. A refresh that its policy has under way makes this one wait.
 * @param from SQL expression, or `NULL` for the beginning
 * @param to SQL expression
 */
export async function refreshAggregate(
  database: Database,
  view: string,
  from: string,
  to: string,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      // In no transaction and alone: the procedure commits in between.
      await database.maintenance.query(`CALL refresh_continuous_aggregate('${view}', ${from}, ${to})`);
      return;
    } catch (error) {
      if (attempt === attempts || !/concurrent refresh/.test(messageOf(error))) throw error;
      await sleep(pauseMs);
    }
  }
}
