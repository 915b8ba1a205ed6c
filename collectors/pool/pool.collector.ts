import { z } from 'zod';
import {
  type CollectorContext,
  defineCollector,
  NoData,
} from '../../src/observability/collection/collector.js';
import * as m from './pool.metrics.js';

const config = z.strictObject({
  /** Also ask PostgreSQL: a pool can be full while the server has free slots, and the other way round. */
  server_side: z.boolean().default(true),
});

/** One row of {@link backendsSql}. */
export interface BackendRow {
  readonly ours: boolean;
  readonly state: string | null;
  readonly backends: number;
}

const backendsSql = `
  SELECT application_name LIKE 'tidewatch%' AS ours, state, count(*)::int AS backends
  FROM pg_stat_activity WHERE backend_type = 'client backend' GROUP BY 1, 2`;

const limitSql = `
  SELECT sum(setting::int) FILTER (WHERE name = 'max_connections')
       - sum(setting::int) FILTER (WHERE name <> 'max_connections') AS connections
  FROM pg_settings WHERE name IN ('max_connections', 'superuser_reserved_connections', 'reserved_connections')`;

export default defineCollector({
  manifest: {
    name: 'pool',
    description:
      'Connection pools as the process sees them, and the same connections as PostgreSQL sees them.',
    config,
    metrics: m.metrics,
    intervalMs: 5_000,
    timeoutMs: 4_000,
    budget: { dbMs: 100, redisCommands: 0, eventLoopMs: 5, samples: 80 },
    burst: { alerts: ['Pool*', 'Database*', 'Connections*'], intervalMs: 1_000 },
  },
  create: (context: CollectorContext<z.output<typeof config>>) => ({
    async collect() {
      const clientSide = reportPools(context);
      const { database } = context;
      if (database === null || !context.config.server_side) {
        if (!clientSide) throw new NoData('this process has no pool and no database');
        return;
      }
      await context.attempt('server', async () => {
        const rows = await database.query<BackendRow>(backendsSql);
        const [limit] = await database.query<{ connections: string }>(limitSql);
        reportServer(context, rows, Number(limit?.connections));
      });
    },
  }),
});

function reportPools({ sources, metrics }: Pick<CollectorContext, 'sources' | 'metrics'>): boolean {
  const pools = sources.get('pools')?.() ?? [];
  for (const { name: pool, idle, inUse, max, waiting, wait } of pools) {
    metrics.set(m.connections, idle, { pool, state: 'idle' });
    metrics.set(m.connections, inUse, { pool, state: 'in_use' });
    metrics.set(m.maxConnections, max, { pool });
    metrics.set(m.waitingRequests, waiting, { pool });
    metrics.set(m.utilization, max > 0 ? inUse / max : null, { pool });
    metrics.set(m.acquireWait, wait.p50, { pool, statistic: '0.5' });
    metrics.set(m.acquireWait, wait.p95, { pool, statistic: '0.95' });
    metrics.set(m.acquireWait, wait.p99, { pool, statistic: '0.99' });
  }
  return pools.length > 0;
}

/** Every state is reported, also with 0: a state that has gone must not look like one that is unknown. */
export function reportServer(
  { metrics }: Pick<CollectorContext, 'metrics'>,
  rows: readonly BackendRow[],
  limit: number,
): void {
  let total = 0;
  for (const owner of ['tidewatch', 'others'] as const) {
    const counts = new Map<(typeof m.backendStates)[number], number>(
      m.backendStates.map((state) => [state, 0]),
    );
    for (const row of rows.filter(({ ours }) => ours === (owner === 'tidewatch'))) {
      const state = stateOf(row.state);
      counts.set(state, (counts.get(state) ?? 0) + row.backends);
      total += row.backends;
    }
    for (const [state, backends] of counts) metrics.set(m.backends, backends, { owner, state });
  }
  metrics.set(m.serverMaxConnections, limit);
  metrics.set(m.serverUtilization, limit > 0 ? total / limit : null);
}

function stateOf(state: string | null): (typeof m.backendStates)[number] {
  switch (state) {
    case 'active':
    case 'idle':
      return state;
    case 'idle in transaction':
      return 'idle_in_transaction';
    case 'idle in transaction (aborted)':
      return 'idle_in_transaction_aborted';
    default:
      return 'other';
  }
}
