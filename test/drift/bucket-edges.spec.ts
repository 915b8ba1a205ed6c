import { describe, expect, it } from '@jest/globals';
import { loadThresholds, toBase } from '../../src/observability/alerting/thresholds.js';
import { latencyRows } from '../../src/observability/latency-windows.js';
import { declaredMetrics } from '../harness/declared-metrics.js';

describe('the threshold table and the metrics it is judged by', () => {
  const { targets } = loadThresholds();

  it('has a window in the process for every row', () => {
    for (const row of targets.keys()) expect(Object.keys(latencyRows)).toContain(row);
  });

  it('finds target and critical threshold among the bucket edges of every histogram', async () => {
    const judged = [...(await declaredMetrics()).values()].filter(
      ({ window, buckets }) => window !== undefined && buckets !== undefined,
    );
    expect(judged.map(({ window }) => window).sort()).toEqual(
      expect.arrayContaining([
        'analytics_update',
        'api_response_time',
        'query_time',
        'var_time',
        'websocket_latency',
      ]),
    );
    for (const { name, window, buckets } of judged) {
      const row = targets.get(window ?? '');
      const edges = row
        ? [row.warning, row.critical].map(({ threshold }) => toBase(threshold, row.unit))
        : [];
      expect({ name, edges, missing: edges.filter((edge) => !buckets?.includes(edge)) }).toMatchObject({
        missing: [],
      });
    }
  });
});
