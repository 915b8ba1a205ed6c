import { gauge } from '../../src/observability/collection/collector.js';

const pool = { pool: 'bounded' } as const;

export const connections = gauge(
  'tidewatch_pool_connections',
  'Open connections of a pool, by what they do.',
  {
    ...pool,
    state: ['idle', 'in_use'],
  },
);
export const maxConnections = gauge('tidewatch_pool_max_connections', 'Connections a pool may open.', pool);
export const waitingRequests = gauge(
  'tidewatch_pool_waiting_requests',
  'Requests that wait for a connection of the pool.',
  pool,
);
export const utilization = gauge(
  'tidewatch_pool_utilization_ratio',
  'Connections in use over the most the pool may open.',
  pool,
);
export const acquireWait = gauge(
  'tidewatch_pool_acquire_wait_seconds',
  'How long requests waited for a connection within the last minutes; no series where none did.',
  { ...pool, statistic: ['0.5', '0.95', '0.99'] },
);

export const backendStates = [
  'active',
  'idle',
  'idle_in_transaction',
  'idle_in_transaction_aborted',
  'other',
] as const;
export const backends = gauge(
  'tidewatch_pool_server_backends',
  "PostgreSQL backends by whose they are (Tidewatch's or somebody else's) and what they do.",
  { owner: ['tidewatch', 'others'], state: backendStates },
);
export const serverMaxConnections = gauge(
  'tidewatch_pool_server_max_connections',
  'Connections that PostgreSQL accepts from ordinary users: max_connections less the reserved ones.',
);
export const serverUtilization = gauge(
  'tidewatch_pool_server_utilization_ratio',
  'PostgreSQL backends over the connections it accepts.',
);

export const metrics = [
  connections,
  maxConnections,
  waitingRequests,
  utilization,
  acquireWait,
  backends,
  serverMaxConnections,
  serverUtilization,
];
