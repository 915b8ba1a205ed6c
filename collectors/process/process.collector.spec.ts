import { describe, expect, it } from '@jest/globals';
import type { CollectorDefinition } from '../../src/observability/collection/collector.js';
import { rehearse, seriesOf } from '../../src/observability/collection/rehearsal.js';
import processCollector from './process.collector.js';

describe('process', () => {
  it('measures this very process', async () => {
    const run = await rehearse(processCollector as CollectorDefinition, { runs: 2 });
    expect(run).toMatchObject({ outcome: 'success', lint: [] });
    const series = seriesOf(run);
    const { rss } = process.memoryUsage();
    expect(series.tidewatch_process_resident_memory_bytes).toBeGreaterThan(rss / 2);
    expect(series.tidewatch_process_resident_memory_bytes).toBeLessThan(rss * 2);
    expect(series.tidewatch_process_cpu_limit_cores).toBeGreaterThan(0);
    expect(series['tidewatch_process_heap_bytes{kind="used"}']).toBeLessThan(
      series['tidewatch_process_heap_bytes{kind="limit"}'] as number,
    );
    expect(series.tidewatch_process_start_timestamp_seconds).toBeLessThan(Date.now() / 1000);
  });
});
