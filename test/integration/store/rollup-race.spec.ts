import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { NativeRollupRepository } from '../../../src/store/rollups/native-rollup.repository.js';
import { levels } from '../../../src/store/rollups/resolution.js';
import { postgres } from '../../harness/index.js';
import { openStore, type TestStore } from '../../harness/store.js';

/** Writers, late and not, against roll-ups that move the watermark through their rows all the time. */
describe('roll-ups under load', () => {
  let store: TestStore;
  beforeAll(async () => {
    store = await openStore(await postgres().freshDatabase(), {}, { spacingMs: 0, maxBatchRows: 50 });
  }, 60_000);
  afterAll(() => store.close());

  it('miss no row, whenever it commits', async () => {
    const { points, database } = store;
    // The watermark begins at the clock of the database; the simulated time goes on from there.
    let now = Date.now() + 120_000;
    const rollups = new NativeRollupRepository(database, () => now);
    const until = performance.now() + 4_000;
    let written = 0;
    const writers = Array.from({ length: 4 }, async (_, w) => {
      for (let i = 0; performance.now() < until; i++) {
        // Around the line that the roll-up moves: 30 s behind the time, so some rows are late and some are not.
        const rows = Array.from({ length: 20 }, (_, k) => ({
          portfolioId: `P${(w + k) % 3}`,
          metricType: 'value',
          value: i + k / 32,
          tsMs: now - ((i * 7 + k * 11) % 90) * 1_000,
          metadata: null,
        }));
        const { stored } = await points.append(rows);
        written += stored;
      }
    });
    const roller = (async () => {
      while (performance.now() < until) {
        now += 20_000;
        await rollups.refresh();
      }
    })();
    await Promise.all([...writers, roller]);
    now += 600_000;
    await rollups.refresh();
    expect((await rollups.status()).dirtyMinutes).toBe(0);
    expect(written).toBeGreaterThan(500);
    for (const { table, widthMs } of levels) {
      const { rows } = await database.reader.query<{ differences: number; n: number }>(
        `WITH raw AS (
           SELECT portfolio_id, metric_type, date_bin('${widthMs} milliseconds', "timestamp", timestamptz '2000-01-03 00:00+00') AS bucket,
             count(*) AS n, min(value) AS min, max(value) AS max FROM analytics_metrics GROUP BY 1, 2, 3)
         SELECT (SELECT sum(n) FROM ${table})::int AS n,
           (SELECT count(*)::int FROM raw FULL JOIN ${table} r USING (portfolio_id, metric_type, bucket)
            WHERE (raw.n, raw.min, raw.max) IS DISTINCT FROM (r.n, r.min, r.max)) AS differences`,
      );
      expect({ table, ...rows[0] }).toEqual({ table, n: written, differences: 0 });
    }
    expect((await rollups.checkTruth(40)).mismatches).toEqual([]);
  }, 60_000);
});
