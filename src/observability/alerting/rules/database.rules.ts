import { poolAcquireTimeouts, poolConnectionErrors } from '../../catalogue/store.js';
import { collected, gaugeOf, increaseOf } from '../signal.js';
import type { Rule } from './rule.js';

export const databaseRules: readonly Rule[] = [
  {
    kind: 'signal',
    group: 'database',
    threshold: 'pool_utilization',
    alerts: { warning: 'PoolUtilizationHigh', critical: 'PoolExhausted' },
    signal: gaugeOf(collected('tidewatch_pool_utilization_ratio')),
    by: ['pool'],
    dashboard: 'tidewatch-database',
    summary: 'The {label:pool} pool is {value} in use',
    description:
      '{value} of the connections of the {label:pool} pool are in use; from {threshold} on, requests start to wait for one another.',
  },
  {
    kind: 'signal',
    group: 'database',
    threshold: 'pool_invalid_connections',
    alerts: { warning: 'PoolInvalidConnections' },
    signal: increaseOf(poolConnectionErrors),
    by: ['pool'],
    dashboard: 'tidewatch-database',
    summary: '{value} connections of the {label:pool} pool were broken within {window}',
    description:
      'Connections of the {label:pool} pool were found broken or could not be opened: {value} within {window}, more than {threshold}.',
  },
  {
    kind: 'signal',
    group: 'database',
    threshold: 'pool_acquire_timeouts',
    alerts: { critical: 'PoolAcquireTimeouts' },
    signal: increaseOf(poolAcquireTimeouts),
    by: ['pool'],
    dashboard: 'tidewatch-database',
    summary: 'Requests get no connection from the {label:pool} pool',
    description:
      '{value} requests waited longer than DB_ACQUIRE_TIMEOUT_MS for the {label:pool} pool within {window} and failed.',
  },
  {
    kind: 'signal',
    group: 'database',
    threshold: 'connections_used',
    alerts: { warning: 'DatabaseConnectionsHigh' },
    signal: gaugeOf(collected('tidewatch_pool_server_utilization_ratio')),
    dashboard: 'tidewatch-database',
    summary: '{value} of the connections that PostgreSQL accepts are taken',
    description:
      'All clients together hold {value} of the connections that PostgreSQL accepts from ordinary users.',
  },
  {
    kind: 'signal',
    group: 'database',
    threshold: 'partitions_ahead',
    alerts: { warning: 'PartitionsAheadLow', critical: 'PartitionsAheadNone' },
    signal: gaugeOf(collected('tidewatch_postgres_partitions_ahead'), 'min'),
    mayBeEmpty: 'TimescaleDB makes its chunks itself',
    knownBy: 'tidewatch_postgres_table_bytes',
    by: ['table'],
    dashboard: 'tidewatch-database',
    summary: '{label:table} has {value} partitions ahead',
    description:
      'Partitions of {label:table} that begin after now: {value}. Without one, rows of the next period have no place and ingest stops.',
  },
  {
    kind: 'signal',
    group: 'database',
    threshold: 'rollup_mismatch',
    alerts: { critical: 'RollupMismatch' },
    signal: increaseOf(collected('tidewatch_store_rollup_mismatches_total', 'counter')),
    dashboard: 'tidewatch-database',
    summary: '{value} roll-up buckets are wrong',
    description:
      '{value} stored buckets were recomputed from their raw rows within {window} and came out different.',
  },
];
