import { describe, expect, it } from '@jest/globals';
import type { CollectorDefinition } from '../../src/observability/collection/collector.js';
import { rehearse, seriesOf } from '../../src/observability/collection/rehearsal.js';
import { LatencyWindows } from '../../src/observability/latency-windows.js';
import latency, { reportRows } from './latency.collector.js';
import * as m from './latency.metrics.js';

const definition = latency as CollectorDefinition;

describe('latency', () => {
  it('pings what there is', async () => {
    const run = await rehearse(definition, { query: () => [{}], redis: () => 'PONG' });
    expect(run).toMatchObject({ outcome: 'success', lint: [] });
    expect(seriesOf(run)).toMatchObject({
      'tidewatch_latency_dependency_ping_seconds{dependency="postgres"}': 1,
      'tidewatch_latency_dependency_ping_seconds{dependency="redis"}': 1,
      'tidewatch_latency_samples{row="var_time"}': 0,
    });
    expect(run.silent).toEqual(['tidewatch_latency_seconds']);
  });

  it('reports the rows of the threshold table, and none that has no samples', () => {
    const windows = new LatencyWindows();
    for (const seconds of [0.1, 0.2, 0.3]) windows.record('query_time', seconds);
    const set = new Map<string, number>();
    const metrics = {
      set: (spec: { name: string }, value: number | null, labels: Record<string, string>) => {
        if (value !== null) set.set(`${spec.name} ${Object.values(labels).join(' ')}`, value);
      },
    } as unknown as Parameters<typeof reportRows>[0]['metrics'];
    reportRows({ windows, metrics });
    expect(set.get(`${m.latency.name} query_time mean`)).toBeCloseTo(0.2);
    expect(set.get(`${m.latency.name} query_time max`)).toBe(0.3);
    expect(set.get(`${m.samples.name} query_time`)).toBe(3);
    expect([...set.keys()].filter((key) => key.startsWith(`${m.latency.name} var_time`))).toEqual([]);
  });
});
