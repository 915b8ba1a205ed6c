import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { PoolClient, QueryConfig } from 'pg';
import { WebsocketConnectionRepository } from '../../src/store/websocket-connection.repository.js';
import { openStore, storeBranches, type TestStore } from '../harness/store.js';

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Index Name'?: string;
  readonly Plans?: readonly PlanNode[];
}

interface Used {
  /** Indexes by the name of the migration, whatever the name on a partition or chunk. */
  readonly indexes: ReadonlySet<string>;
  readonly nodes: ReadonlySet<string>;
}

// Recent: TimescaleDB moves older chunks to the columnstore, which has indexes of its own.
const t0 = Date.now() - 3.5 * 3_600_000;

describe.each(storeBranches())('indexes on $dialect', (branch) => {
  let store: TestStore;
  beforeAll(async () => {
    store = await openStore(await branch.freshDatabase());
    await fill(store);
  }, 120_000);
  afterAll(() => store.close());

  it('each say which query they serve', async () => {
    const { rows } = await store.database.reader.query<{ name: string; comment: string | null }>(
      `SELECT c.relname AS name, obj_description(c.oid) AS comment
       FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
       WHERE c.relnamespace = current_schema()::regnamespace AND NOT t.relispartition
         AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = c.oid)`,
    );
    const ours = rows.filter((r) => !r.name.startsWith('_'));
    expect(ours.length).toBeGreaterThan(12);
    expect(ours.filter((r) => r.comment === null)).toEqual([]);
  });

  /** Runs the real query of the repository and plans it again, with its values. */
  const plansOf = async (run: () => Promise<unknown>): Promise<Used> => {
    const captured: QueryConfig[] = [];
    const { reader } = store.database;
    const use = reader.use.bind(reader);
    reader.use = (work) =>
      use((client) => {
        const spy = Object.create(client) as PoolClient;
        spy.query = ((query: string | QueryConfig, values?: unknown[]) => {
          const config = typeof query === 'string' ? { text: query, values } : query;
          if (/^\s*(SELECT|WITH)/.test(config.text)) captured.push(config as QueryConfig);
          return client.query(query as string, values);
        }) as never;
        return work(spy);
      });
    try {
      await run();
    } finally {
      reader.use = use;
    }
    const indexes = new Set<string>();
    const nodes = new Set<string>();
    const visit = (node: PlanNode): void => {
      nodes.add(node['Node Type']);
      if (node['Index Name']) indexes.add(node['Index Name']);
      node.Plans?.forEach(visit);
    };
    for (const { text, values } of captured) {
      const { rows } = await reader.query<{ 'QUERY PLAN': { Plan: PlanNode }[] }>(
        `EXPLAIN (FORMAT json) ${text}`,
        values as unknown[],
      );
      visit(rows[0]!['QUERY PLAN'][0]!.Plan);
    }
    return { indexes: new Set(await originalNames([...indexes])), nodes };
  };

  const originalNames = async (names: readonly string[]): Promise<string[]> => {
    const { rows } = await store.database.reader.query<{ name: string }>(
      `SELECT coalesce(p.relname, regexp_replace(c.relname, '^_hyper_[0-9]+_[0-9]+_chunk_', '')) AS name
       FROM pg_class c LEFT JOIN pg_inherits i ON i.inhrelid = c.oid LEFT JOIN pg_class p ON p.oid = i.inhparent
       WHERE c.relkind IN ('i', 'I') AND c.relname = ANY ($1)`,
      [names],
    );
    return rows.map((r) => r.name);
  };

  it('analytics_metrics_portfolio_time: the raw history of one metric', async () => {
    const used = await plansOf(() =>
      store.history.page({
        portfolioIds: ['P7'],
        metricTypes: ['value'],
        fromMs: t0 + 3_600_000,
        toMs: t0 + 3_900_000,
        resolution: 'raw',
      }),
    );
    expect(used.indexes).toContain('analytics_metrics_portfolio_time');
  });

  it('analytics_metrics_portfolio_time: covers the values of a portfolio, without its table', async () => {
    const { rows } = await store.database.reader.query<{ 'QUERY PLAN': string }>(
      `EXPLAIN SELECT metric_type, "timestamp", value FROM analytics_metrics
       WHERE portfolio_id = 'P7' AND "timestamp" >= $1 AND "timestamp" < $2`,
      [new Date(t0 + 3_600_000), new Date(t0 + 3_900_000)],
    );
    expect(rows.map((r) => r['QUERY PLAN']).join('\n')).toContain('Index Only Scan');
  });

  it('risk_metrics_portfolio_time and risk_limits_active_portfolio: latest metrics with limits', async () => {
    const used = await plansOf(() => store.metricRepository.latestWithLimits('P7'));
    expect(used.indexes).toContain('risk_metrics_portfolio_time');
    expect(used.indexes).toContain('risk_limits_active_portfolio');
    expect(used.indexes).toContain('latest_metrics_pkey');
  });

  it('risk_limits_utilization: the worst limits of all portfolios', async () => {
    const used = await plansOf(() => store.metricRepository.worstLimits(5));
    expect([...used.indexes]).toEqual(['risk_limits_utilization']);
    expect(used.nodes).not.toContain('Sort');
  });

  it('websocket_connections_metadata: connections by their metadata', async () => {
    const used = await plansOf(() =>
      new WebsocketConnectionRepository(store.database).find({ address: '10.0.0.7' }),
    );
    expect(used.indexes).toContain('websocket_connections_metadata');
  });

  it('positions_portfolio_hash: the positions of one portfolio', async () => {
    const used = await plansOf(() => store.portfolios.get('P7'));
    expect(used.indexes).toContain('positions_portfolio_hash');
  });

  it('trades_portfolio_covering: a page of trades, from the index alone', async () => {
    const used = await plansOf(() => store.portfolios.trades('P7', { limit: 20 }));
    expect([...used.indexes]).toEqual(['trades_portfolio_covering']);
    expect(used.nodes).toContain('Index Only Scan');
    expect(used.nodes).not.toContain('Sort');
  });

  it('ticks_symbol_ts: a page of ticks, and the newest tick of every symbol', async () => {
    const page = await plansOf(() =>
      store.tickRepository.page({ symbol: 'S7', fromMs: t0, toMs: t0 + 60_000, limit: 10 }),
    );
    expect(page.indexes).toContain('ticks_symbol_ts');
    const last = await plansOf(() => store.tickRepository.lastPrices());
    expect(last.indexes).toContain('ticks_symbol_ts');
  });

  it('ticks_seq_brin: a replay from a point of the order', async () => {
    const { rows } = await store.database.reader.query<{ 'QUERY PLAN': string }>(
      'EXPLAIN SELECT * FROM ticks WHERE seq >= 1000 AND seq < 1200 ORDER BY seq',
    );
    const used = await originalNames(
      [
        ...rows
          .map((r) => r['QUERY PLAN'])
          .join('\n')
          .matchAll(/Index Scan on (\S+)/g),
      ].map((m) => m[1]!),
    );
    expect(used).toContain('ticks_seq_brin');
  });

  it('ticks_seq_brin: a replay of some symbols, planned for its span and its symbols however often it is asked', async () => {
    const symbols = Array.from({ length: 40 }, (_, i) => `S${i}`);
    for (let n = 0; n < 12; n++) {
      const span = { fromSeq: 1_000 + n * 2_000, toSeq: 3_000 + n * 2_000, symbols };
      for await (const ticks of store.tickRepository.replay(span)) expect(ticks).toHaveLength(1_600);
    }
    const { rows } = await store.database.reader.query<{ statement: string }>(
      'SELECT statement FROM pg_prepared_statements WHERE generic_plans > 0',
    );
    expect(rows.filter(({ statement }) => statement.includes('FROM ticks WHERE seq'))).toEqual([]);
  });

  it('risk_events_portfolio_time: the newest transitions of one portfolio', async () => {
    const { rows } = await store.database.reader.query<{ 'QUERY PLAN': string }>(
      `EXPLAIN SELECT * FROM risk_events WHERE portfolio_id = 'P7' AND "timestamp" >= now() - interval '1 day'
       ORDER BY "timestamp" DESC LIMIT 5`,
    );
    expect(rows.map((r) => r['QUERY PLAN']).join('\n')).toMatch(/Index Scan.*portfolio.*time/);
  });
});

async function fill({ database, points, riskPoints, ticks }: TestStore): Promise<void> {
  const metric = (i: number) => ({
    portfolioId: `P${i % 40}`,
    metricType: ['value', 'pnl', 'var', 'beta'][Math.floor(i / 40) % 4]!,
    value: i,
    tsMs: t0 + i * 400,
    metadata: '{"note":"as long as notes are when somebody writes some"}',
  });
  await points.append(Array.from({ length: 30_000 }, (_, i) => metric(i)));
  await riskPoints.append(Array.from({ length: 30_000 }, (_, i) => metric(i)));
  await riskPoints.flushLatest();
  await ticks.append(
    Array.from({ length: 40_000 }, (_, i) => ({
      symbol: `S${i % 50}`,
      tsMs: t0 + i * 300,
      price: 1,
      size: null,
      sourceId: null,
    })),
  );
  await ticks.flushLatest();
  const { maintenance } = database;
  await maintenance.query(
    `INSERT INTO portfolios SELECT 'P' || i, 'x', 'USD', 1, now(), now() FROM generate_series(1, 2000) i`,
  );
  await maintenance.query(
    `INSERT INTO positions SELECT 'P' || i, 'S' || s, 1 FROM generate_series(1, 2000) i, generate_series(1, 10) s`,
  );
  await maintenance.query(
    `INSERT INTO trades SELECT 'P' || i % 50, 't' || i, i, 'S', 'buy', 1, 1, now() - i * interval '1 s'
     FROM generate_series(1, 20000) i`,
  );
  await maintenance.query(
    `INSERT INTO risk_limits (portfolio_id, limit_type, threshold_value, warning_threshold, current_value, active)
     SELECT 'P' || i % 2000, 'var', 1 + i, 1, i % 977, i % 3 > 0 FROM generate_series(1, 6000) i`,
  );
  await maintenance.query(
    `INSERT INTO risk_events SELECT 'P' || i % 500, gen_random_uuid(), 'var', 'normal', 'breach', 1, 1, 1,
       now() - i * interval '100 ms', NULL FROM generate_series(1, 20000) i`,
  );
  await maintenance.query(
    `INSERT INTO websocket_connections (connection_id, node, connected_at, metadata)
     SELECT 'c' || i, 'n', now(), jsonb_build_object('address', '10.0.0.' || i % 5000) FROM generate_series(1, 20000) i`,
  );
  for (const table of [
    'analytics_metrics',
    'risk_metrics',
    'ticks',
    'portfolios',
    'positions',
    'trades',
    'risk_limits',
    'risk_events',
    'websocket_connections',
  ]) {
    await maintenance.query(`VACUUM ANALYZE ${table}`);
  }
}
