import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { MetricPoint } from '../../src/domain/metric-point.js';
import type { HistoryPage, HistoryQuery } from '../../src/store/history.repository.js';
import { bucketAt } from '../../src/store/rollups/resolution.js';
import { openStore, storeBranches, type TestStore } from '../harness/store.js';

const [minute, hour, day] = [60_000, 3_600_000, 86_400_000];

interface Bucket {
  readonly bucket: string;
  readonly avg: number | null;
  readonly min: number | null;
  readonly max: number | null;
  readonly first: number | null;
  readonly last: number | null;
  readonly count: number;
}

/** What the answer has to be: computed from all points, without roll-ups. */
function expected(
  points: readonly MetricPoint[],
  widthMs: number,
  fromMs: number,
  toMs: number,
): Map<string, Bucket[]> {
  const [from, to] = [bucketAt(fromMs, widthMs), bucketAt(toMs - 1, widthMs) + widthMs];
  const groups = new Map<string, Map<number, MetricPoint[]>>();
  for (const p of points) {
    if (p.tsMs < from || p.tsMs >= to) continue;
    const series = groups.get(`${p.portfolioId} ${p.metricType}`) ?? new Map<number, MetricPoint[]>();
    groups.set(`${p.portfolioId} ${p.metricType}`, series);
    const at = bucketAt(p.tsMs, widthMs);
    series.set(at, [...(series.get(at) ?? []), p]);
  }
  const out = new Map<string, Bucket[]>();
  for (const [key, series] of groups) {
    const buckets = [...series]
      .sort(([a], [b]) => a - b)
      .map(([at, rows]): Bucket => {
        const sorted = [...rows].sort((a, b) => a.tsMs - b.tsMs || a.value - b.value);
        const values = rows.map((r) => r.value);
        return {
          bucket: new Date(at).toISOString().replace('.000', ''),
          avg: values.reduce((s, v) => s + v, 0) / values.length,
          min: Math.min(...values),
          max: Math.max(...values),
          first: sorted[0]!.value,
          last: sorted.at(-1)!.value,
          count: values.length,
        };
      });
    out.set(key, buckets);
  }
  return out;
}

function read(pages: readonly HistoryPage[]): Map<string, Bucket[]> {
  const out = new Map<string, Bucket[]>();
  for (const page of pages) {
    for (const s of page.series) {
      const key = `${s.portfolioId} ${s.metricType}`;
      const buckets = JSON.parse(s.bucketsJson) as Bucket[];
      if (buckets.length > 0) out.set(key, [...(out.get(key) ?? []), ...buckets]);
    }
  }
  return out;
}

/** Sums are added up in another order on the way over the roll-ups: averages agree to 1e-9 of the bucket's range. */
function expectSame(actual: Map<string, Bucket[]>, wanted: Map<string, Bucket[]>): void {
  const sorted = (buckets: Map<string, Bucket[]>) => [...buckets].sort(([a], [b]) => (a < b ? -1 : 1));
  const withoutAverages = (buckets: Map<string, Bucket[]>) =>
    sorted(buckets).map(([key, list]) => [key, list.map(({ avg: _, ...rest }) => rest)]);
  expect(withoutAverages(actual)).toEqual(withoutAverages(wanted));
  const averages = sorted(actual).flatMap(([, list]) => list);
  for (const [i, bucket] of sorted(wanted)
    .flatMap(([, list]) => list)
    .entries()) {
    const avg = averages[i]!.avg;
    if (bucket.avg === null || avg === null) expect(avg).toBe(bucket.avg);
    else
      expect(Math.abs(avg - bucket.avg)).toBeLessThan(
        1e-9 * Math.max(Math.abs(bucket.min!), Math.abs(bucket.max!), 1),
      );
  }
}

/** Repeatable random numbers in [0, 1). */
function randomFrom(seed: number): () => number {
  let x = seed;
  return () => {
    x = (x * 1_103_515_245 + 12_345) & 0x7fffffff;
    return x / 0x80000000;
  };
}

describe.each(storeBranches())('history on $dialect', (branch) => {
  let store: TestStore;
  const points: MetricPoint[] = [];
  const now = Date.now();
  const random = randomFrom(7);

  const add = async (n: number, fromMs: number, toMs: number): Promise<void> => {
    const batch = Array.from({ length: n }, (): MetricPoint => {
      const tsMs = Math.floor(fromMs + random() * (toMs - fromMs));
      return {
        portfolioId: `P${Math.floor(random() * 3)}`,
        metricType: ['value', 'pnl'][Math.floor(random() * 2)]!,
        // Few distinct times and values, so that ties occur.
        tsMs: random() < 0.2 ? Math.floor(tsMs / minute) * minute : tsMs,
        value: Math.round(random() * 1e6) / 1e3 - 500,
        metadata: null,
      };
    });
    points.push(...batch);
    await store.points.append(batch);
  };

  const ask = async (
    query: Partial<HistoryQuery> & Pick<HistoryQuery, 'resolution'>,
  ): Promise<HistoryPage[]> => {
    const pages: HistoryPage[] = [];
    let cursor: string | null | undefined;
    do {
      const page: HistoryPage = await store.history.page({
        portfolioIds: ['P0', 'P1', 'P2', 'NONE'],
        fromMs: now - 30 * hour,
        toMs: now + hour,
        ...query,
        ...(cursor ? { cursor } : {}),
      });
      pages.push(page);
      cursor = page.nextCursor;
    } while (cursor !== null && pages.length < 500);
    return pages;
  };

  const expectAllWidths = async (): Promise<void> => {
    for (const widthMs of [minute, 5 * minute, 15 * minute, hour, 6 * hour, day]) {
      const pages = await ask({ resolution: { widthMs } });
      expectSame(read(pages), expected(points, widthMs, now - 30 * hour, now + hour));
    }
  };

  beforeAll(async () => {
    store = await openStore(await branch.freshDatabase());
  }, 60_000);
  afterAll(() => store.close());

  it('has the newest rows before anything is rolled up', async () => {
    await add(400, now - 3 * minute, now);
    await add(1_000, now - 26 * hour, now - 24 * hour);
    await expectAllWidths();
  });

  it('is the same after a roll-up, and with rows that came after it', async () => {
    await store.rollups.refresh();
    await expectAllWidths();
    // Not late, however long the above took: those are the next test's.
    const at = Date.now();
    await add(200, at - minute / 2, at + minute / 2);
    await expectAllWidths();
  });

  it('counts late rows in the right buckets', async () => {
    await add(300, now - 26 * hour, now - 2 * minute);
    await add(50, now - 60 * day, now - 59 * day);
    // TimescaleDB shows late rows with its next refresh; our own roll-ups at once.
    if (branch.dialect === 'timescale') await store.rollups.refresh();
    await expectAllWidths();
    await store.rollups.refresh();
    await expectAllWidths();
    const old = await ask({ resolution: { widthMs: day }, fromMs: now - 61 * day });
    expectSame(read(old), expected(points, day, now - 61 * day, now + hour));
  });

  it('takes no value that would make a sum overflow', async () => {
    const point = { portfolioId: 'BIG', metricType: 'value', tsMs: now - hour, metadata: null };
    const result = await store.points.append([
      { ...point, value: 1e290 },
      { ...point, value: 1e300 },
      { ...point, value: -1e290 },
    ]);
    expect(result).toMatchObject({ stored: 2, rejected: [{ index: 1, code: 'VALUE_OUT_OF_RANGE' }] });
    await store.rollups.refresh();
  });

  it('agrees with the raw rows when checked', async () => {
    const truth = await store.rollups.checkTruth(40);
    expect(truth.mismatches).toEqual([]);
    expect(truth.checked).toBeGreaterThan(10);
  });

  it('notices a roll-up that is wrong', async () => {
    const table =
      branch.dialect === 'native'
        ? 'metrics_1h'
        : (
            await store.database.maintenance.query<{ t: string }>(
              `SELECT format('%I.%I', materialization_hypertable_schema, materialization_hypertable_name) AS t
               FROM timescaledb_information.continuous_aggregates WHERE view_name = 'metrics_1h'`,
            )
          ).rows[0]!.t;
    await store.database.maintenance.query(`UPDATE ${table} SET max = max + 1`);
    let found = 0;
    for (let i = 0; i < 20 && found === 0; i++) {
      const { mismatches } = await store.rollups.checkTruth(40);
      found += mismatches.length;
      for (const m of mismatches) {
        expect(m.table).toBe('metrics_1h');
        expect(m.stored.max).toBe(m.recomputed!.max + 1);
      }
    }
    expect(found).toBeGreaterThan(0);
    await store.database.maintenance.query(`UPDATE ${table} SET max = max - 1`);
  });

  it('comes in pages that together are the whole, wherever they are cut', async () => {
    for (const [resolution, limit] of [
      [{ widthMs: hour }, 7],
      [{ widthMs: hour }, 40],
      ['raw', 97],
    ] as const) {
      const whole = await ask({ resolution });
      const pages = await ask({ resolution, limit });
      expect(pages.length).toBeGreaterThan(1);
      expectSame(read(pages), read(whole));
      for (const page of pages) {
        const count = page.series.reduce((n, s) => n + (JSON.parse(s.bucketsJson) as []).length, 0);
        expect(count).toBeLessThanOrEqual(limit);
      }
    }
  });

  it('gives raw rows exactly', async () => {
    const [page] = await ask({ resolution: 'raw', portfolioIds: ['P1'], metricTypes: ['pnl'] });
    const rows = JSON.parse(page!.series[0]!.bucketsJson) as Bucket[];
    const wanted = points
      .filter((p) => p.portfolioId === 'P1' && p.metricType === 'pnl' && p.tsMs >= now - 30 * hour)
      .sort((a, b) => a.tsMs - b.tsMs || a.value - b.value);
    expect(rows.map((r) => [Date.parse(r.bucket), r.last])).toEqual(wanted.map((p) => [p.tsMs, p.value]));
  });

  it('fills gaps as asked', async () => {
    const query = {
      resolution: { widthMs: hour },
      portfolioIds: ['P0'],
      metricTypes: ['value'],
      fromMs: now - 30 * hour,
      toMs: now,
    } as const;
    const buckets = async (gaps: 'omit' | 'null' | 'previous') =>
      JSON.parse((await ask({ ...query, gaps }))[0]!.series[0]!.bucketsJson) as Bucket[];
    const [omit, nulls, previous] = [await buckets('omit'), await buckets('null'), await buckets('previous')];
    const hours = (bucketAt(now - 1, hour) - bucketAt(now - 30 * hour, hour)) / hour + 1;
    expect(nulls).toHaveLength(hours);
    expect(nulls.filter((b) => b.count > 0)).toEqual(omit);
    expect(nulls.find((b) => b.count === 0)).toMatchObject({ avg: null, first: null, last: null });
    let last: number | null = null;
    expect(previous).toHaveLength(hours);
    for (const b of previous) {
      if (b.count === 0) expect(b).toMatchObject({ avg: last, min: last, max: last, first: last, last });
      last = b.last;
    }
    const later = await ask({ ...query, gaps: 'previous', fromMs: now - 20 * hour, toMs: now - 19 * hour });
    const [before] = previous.filter((b) => Date.parse(b.bucket) === bucketAt(now - 20 * hour, hour));
    expect((JSON.parse(later[0]!.series[0]!.bucketsJson) as Bucket[])[0]).toEqual(before);
  });

  it('chooses a resolution by itself and says which', async () => {
    const used = async (spanMs: number) =>
      (await ask({ resolution: 'auto', fromMs: now - spanMs, toMs: now }))[0]?.resolutionUsed;
    expect(await used(5 * minute)).toBe('raw');
    expect(await used(day)).toBe('1m');
    expect(await used(5 * day)).toBe('5m');
    expect(await used(60 * day)).toBe('1h');
    expect(await used(3_000 * day)).toBe('1d');
  });

  it('says how new the newest value is', async () => {
    const [page] = await ask({ resolution: { widthMs: hour }, portfolioIds: ['P2'], metricTypes: ['value'] });
    const newest = Math.max(
      ...points.filter((p) => p.portfolioId === 'P2' && p.metricType === 'value').map((p) => p.tsMs),
    );
    expect(page!.series[0]!.asOfMs).toBe(newest);
  });

  it('joins the newest metrics with their limits, worst first', async () => {
    const at = (offset: number, metricType: string, value: number): MetricPoint => ({
      portfolioId: 'P9',
      metricType,
      value,
      tsMs: now + offset,
      metadata: null,
    });
    await store.riskPoints.append([at(-20, 'var', 50), at(-10, 'var', 80), at(-15, 'var', 1)]);
    await store.riskPoints.append([at(-5, 'drawdown', 3), at(-5, 'beta', 1.2)]);
    // The newer of both kinds: computed here, sent by a client.
    await store.points.append([at(-6, 'drawdown', 9), at(-4, 'exposure', 1)]);
    await store.database.writer.query(
      `INSERT INTO risk_limits (portfolio_id, limit_type, threshold_value, warning_threshold, active, deleted_at) VALUES
       ('P9', 'var', 100, 70, true, NULL), ('P9', 'drawdown', 2, 1, true, NULL), ('P9', 'exposure', 5, 4, true, NULL), ('P9', 'margin', 7, 6, true, NULL),
       ('P9', 'beta', 1, 1, false, NULL), ('P9', 'beta', 1, 1, true, now()), ('P8', 'var', 1, 1, true, NULL)`,
    );
    for (let flushed = 0; flushed < 2; flushed++) {
      const metrics = await store.metricRepository.latestWithLimits('P9');
      expect(
        metrics.map((m) => [m.metricType, m.value, m.utilization, m.limit?.thresholdValue ?? null]),
      ).toEqual([
        ['drawdown', 3, 1.5, 2],
        ['var', 80, 0.8, 100],
        ['exposure', 1, 0.2, 5],
        ['beta', 1.2, null, null],
        ['margin', null, null, 7],
      ]);
      await store.riskPoints.flushLatest();
    }
  });
});
