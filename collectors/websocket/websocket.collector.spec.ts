import { describe, expect, it } from '@jest/globals';
import type { CollectorDefinition } from '../../src/observability/collection/collector.js';
import { rehearse, seriesOf } from '../../src/observability/collection/rehearsal.js';
import websocket from './websocket.collector.js';

const definition = websocket as CollectorDefinition;
const connection = (lagMs: number, bytesQueued = 0) => ({ topics: 2, bytesQueued, messagesQueued: 1, lagMs });

describe('websocket', () => {
  it('shows the spread over all connections, the slow ones above all', async () => {
    const connections = [
      ...Array.from({ length: 97 }, () => connection(0)),
      ...[5, 1_500, 4_000].map((ms) => connection(ms, ms)),
    ];
    const run = await rehearse(definition, { sources: { connections: () => connections } });
    expect(run).toMatchObject({ outcome: 'success', lint: [], silent: [] });
    expect(seriesOf(run)).toMatchObject({
      'tidewatch_websocket_lag_seconds{statistic="0.5"}': 0,
      'tidewatch_websocket_lag_seconds{statistic="0.95"}': 0,
      'tidewatch_websocket_lag_seconds{statistic="max"}': 4,
      'tidewatch_websocket_queued_bytes{statistic="max"}': 4_000,
      tidewatch_websocket_slow_connections: 2,
    });
  });

  it('knows no lag of nobody', async () => {
    const run = await rehearse(definition, { sources: { connections: () => [] } });
    expect(seriesOf(run)).toEqual({ tidewatch_websocket_slow_connections: 0 });
  });

  it('has no data in a process that serves no clients', async () => {
    expect((await rehearse(definition)).outcome).toBe('no_data');
  });
});
