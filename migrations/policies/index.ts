import type { ClientBase } from 'pg';
import type { Retention } from '../../src/store/retention.js';
import { timescalePolicies } from './timescale.js';

/**
 * Applies what depends on settings, idempotently, at every start. On plain PostgreSQL there is nothing to declare: the
 * server's own jobs read the same settings.
 */
export async function applyPolicies(
  client: Pick<ClientBase, 'query'>,
  dialect: 'native' | 'timescale',
  retention: Retention,
): Promise<void> {
  if (dialect === 'native') return;
  for (const statement of timescalePolicies(retention)) await client.query(statement);
}
