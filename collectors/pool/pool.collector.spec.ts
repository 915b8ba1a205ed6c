import { describe, expect, it } from '@jest/globals';
import type { CollectorDefinition, PoolStatus } from '../../src/observability/collection/collector.js';
import { rehearse, seriesOf } from '../../src/observability/collection/rehearsal.js';
import pool from './pool.collector.js';

const definition = pool as CollectorDefinition;
const reader: PoolStatus = {
  name: 'reader',
  max: 6,
  size: 5,
  idle: 2,
  inUse: 3,
  waiting: 4,
  acquireTimeouts: 0,
  invalidConnections: 0,
  wait: { p50: 0.001, p95: 0.5, p99: null, count: 2 },
};
const sources = { pools: () => [reader] };
const query = (sql: string) =>
  sql.includes('pg_stat_activity')
    ? [
        { ours: true, state: 'active', backends: 2 },
        { ours: true, state: 'idle in transaction (aborted)', backends: 1 },
        { ours: false, state: null, backends: 1 },
        { ours: null, state: 'idle', backends: 4 },
      ]
    : [{ connections: '97' }];

describe('pool', () => {
  it('reports both sides of the connections', async () => {
    const run = await rehearse(definition, { sources, query });
    expect(run).toMatchObject({ outcome: 'success', lint: [], silent: [] });
    expect(seriesOf(run)).toEqual(
      expect.objectContaining({
        'tidewatch_pool_connections{pool="reader",state="in_use"}': 3,
        'tidewatch_pool_waiting_requests{pool="reader"}': 4,
        'tidewatch_pool_utilization_ratio{pool="reader"}': 0.5,
        'tidewatch_pool_acquire_wait_seconds{pool="reader",statistic="0.95"}': 0.5,
        'tidewatch_pool_server_backends{owner="tidewatch",state="active"}': 2,
        'tidewatch_pool_server_backends{owner="tidewatch",state="idle_in_transaction_aborted"}': 1,
        'tidewatch_pool_server_backends{owner="tidewatch",state="idle"}': 0,
        'tidewatch_pool_server_backends{owner="others",state="other"}': 1,
        tidewatch_pool_server_max_connections: 97,
      }),
    );
    expect(seriesOf(run)).not.toHaveProperty(
      'tidewatch_pool_acquire_wait_seconds{pool="reader",statistic="0.99"}',
    );
  });

  it('still shows the client side while the server is away: that is when it is looked at', async () => {
    const run = await rehearse(definition, {
      sources,
      query: () => {
        throw Object.assign(new Error('terminating connection'), { code: '57P01' });
      },
    });
    expect(run).toMatchObject({ outcome: 'partial', error: { class: 'connection', part: 'server' } });
    expect(seriesOf(run)).toHaveProperty('tidewatch_pool_waiting_requests{pool="reader"}', 4);
  });

  it('asks the server nothing when told not to', async () => {
    const run = await rehearse(definition, {
      sources,
      query: () => undefined,
      config: { server_side: false },
    });
    expect(run.outcome).toBe('success');
  });

  it('has no data in a process without pools and database', async () => {
    expect((await rehearse(definition)).outcome).toBe('no_data');
  });
});
