import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import postgres from '../../collectors/postgres/postgres.collector.js';
import storageAudit from '../../collectors/storage-audit/storage-audit.collector.js';
import type { CollectorDefinition } from '../../src/observability/collection/collector.js';
import { dryRun } from '../../src/observability/collection/dry-run.js';
import { seriesOf } from '../../src/observability/collection/rehearsal.js';
import { Sources } from '../../src/observability/collection/sources.js';
import { StorageAudit } from '../../src/store/storage-audit.js';
import { openStore, storeBranches, type TestStore } from '../harness/store.js';

describe.each(storeBranches())('what collectors see of the storage on $dialect', (branch) => {
  let store: TestStore;
  const sources = new Sources();
  /** The real runner over the real database. */
  const runOnce = (definition: CollectorDefinition) =>
    dryRun(definition, {
      clients: {
        sources,
        pool: {
          forRun: () => ({
            query: async <Row extends object>(sql: string, values: readonly unknown[] = []) =>
              (await store.database.maintenance.query(sql, [...values])).rows as Row[],
          }),
        },
        redis: null,
      },
      config: undefined,
      runs: 1,
      pauseMs: 5,
      log: { debug() {}, info() {}, warn() {} },
    });

  beforeAll(async () => {
    store = await openStore(await branch.freshDatabase());
    const now = Date.now();
    const points = Array.from({ length: 600 }, (_, i) => ({
      portfolioId: `P${i % 3}`,
      metricType: 'value',
      value: i,
      tsMs: now - 4 * 3_600_000 + i * 24_000,
      metadata: null,
    }));
    await store.points.append(points);
    await store.rollups.refresh();
    new StorageAudit(store.database, store.partitions, store.rollups, store.metrics, sources);
  }, 60_000);
  afterAll(() => store.close());

  it('partitions or chunks, and on TimescaleDB its jobs and how far its aggregates are', async () => {
    const tables = (postgres as readonly CollectorDefinition[]).find(
      ({ manifest }) => manifest.name === 'postgres-tables',
    );
    const run = await runOnce(tables as CollectorDefinition);
    expect(run).toMatchObject({ outcome: 'success', lint: [] });
    const series = Object.entries(seriesOf(run));
    const named = (start: string) => series.filter(([name]) => name.startsWith(start));
    expect(named('tidewatch_postgres_partitions{table="public.analytics_metrics"}')).toHaveLength(1);
    const lags = named('tidewatch_postgres_timescale_aggregate_lag_seconds');
    const jobs = named('tidewatch_postgres_timescale_job_failures_total');
    const compressed = named('tidewatch_postgres_timescale_compressed_chunks');
    if (branch.dialect === 'native') {
      expect([...lags, ...jobs, ...compressed]).toEqual([]);
      return;
    }
    const behind = lags.map(([name]) => /aggregate="public\.(\w+)"/.exec(name)?.[1]);
    // There is no day to be materialised yet: that aggregate is known once its policy has run.
    expect(behind).toEqual(expect.arrayContaining(['metrics_1m', 'metrics_5m', 'metrics_1h']));
    for (const [, lag] of lags) expect(lag).toBeLessThan(2 * 86_400);
    // Compression of every table by time, refresh of every aggregate, retention of what has a fixed life.
    expect(jobs.length).toBeGreaterThanOrEqual(6 + 4 + 2);
    expect(compressed.length).toBeGreaterThanOrEqual(6);
  });

  it('the branch, what is lost on it, and nothing wrong', async () => {
    const run = await runOnce(storageAudit as CollectorDefinition);
    expect(run).toMatchObject({ outcome: 'success', lint: [] });
    const series = seriesOf(run);
    const warnings = Object.entries(series).filter(([name, n]) => /severity="warning"/.test(name) && n !== 0);
    expect(warnings).toEqual([]);
    const info = Object.keys(series).filter((name) => name.startsWith('tidewatch_storage_branch_info'));
    expect(info).toHaveLength(1);
    expect(info[0]).toContain(`branch="${branch.dialect}"`);
    if (branch.dialect === 'native') expect(info[0]).toContain('columnstore compression');
    const probes = branch.dialect === 'native' ? ['partitions_ahead'] : ['chunk_count', 'policy'];
    for (const probe of [...probes, 'rollup_truth', 'rollup_lag', 'missing_index']) {
      expect(series).toHaveProperty([`tidewatch_storage_findings{probe="${probe}",severity="ok"}`]);
    }
  });
});
