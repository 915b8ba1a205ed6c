import { randomUUID } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { Logger } from '../../src/observability/logger.js';
import { createDataSource } from '../../src/store/data-source.js';
import { migrate, pendingMigrations } from '../../src/store/migrator.js';
import { RiskEventWriter } from '../../src/store/risk-event.writer.js';
import { WebsocketConnectionRepository } from '../../src/store/websocket-connection.repository.js';
import { sampleConnections, WebsocketMetricWriter } from '../../src/store/websocket-metric.writer.js';
import { WriterMeter } from '../../src/store/writer/writer-meter.js';
import { openStore, storeBranches } from '../harness/store.js';

const keepAll = { timescale: 'auto', retention: { ticks: null, metrics: null } } as const;

describe.each(storeBranches())('the schema on $dialect', (branch) => {
  const connect = async (url: string): Promise<pg.Client> => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    return client;
  };

  it('is made once when several processes start at the same moment', async () => {
    const url = await branch.freshDatabase();
    const results = await Promise.all([1, 2, 3].map(() => migrate(url, keepAll)));
    expect(results.filter((r) => r.applied.length > 0)).toHaveLength(1);
    expect(results.map((r) => r.dialect.dialect)).toEqual(Array(3).fill(branch.dialect));
    const again = await migrate(url, keepAll);
    expect(again.applied).toEqual([]);
  }, 60_000);

  it('can be taken back step by step and made again', async () => {
    const url = await branch.freshDatabase();
    const { applied } = await migrate(url, keepAll);
    const client = await connect(url);
    const source = createDataSource(url);
    await source.initialize();
    try {
      // Some cannot run in a transaction.
      for (const _ of applied) await source.undoLastMigration({ transaction: 'none' });
      const left = await client.query<{ name: string }>(
        `SELECT relname AS name FROM pg_class
         WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p', 'v', 'm')
           AND relname NOT IN ('schema_migrations', 'storage_settings')`,
      );
      expect(left.rows).toEqual([]);
      expect(await pendingMigrations(client)).toHaveLength(applied.length);
    } finally {
      await source.destroy();
      await client.end();
    }
    expect((await migrate(url, keepAll)).applied).toHaveLength(applied.length);
  }, 120_000);

  it('stays on the branch that it was made on, whatever the settings say later', async () => {
    const url = await branch.freshDatabase();
    await migrate(url, { ...keepAll, timescale: 'off' });
    const { dialect } = await migrate(url, keepAll);
    expect(dialect).toEqual({ dialect: 'native', reason: 'TIMESCALE=off', timescaleVersion: null });
  }, 60_000);

  it('made by a newer version is not touched', async () => {
    const url = await branch.freshDatabase();
    await migrate(url, keepAll);
    const client = await connect(url);
    await client.query(`INSERT INTO schema_migrations ("timestamp", name) VALUES (9, 'FromTheFuture9')`);
    await client.end();
    await expect(migrate(url, keepAll)).rejects.toThrow(/newer version \(FromTheFuture9\)/);
  }, 60_000);

  it('takes risk events, socket metrics and connections', async () => {
    const store = await openStore(await branch.freshDatabase());
    const log = Logger.silent().child('test');
    const shared = { pool: store.database.writer, seq: store.seq, onDefect: () => undefined };
    const events = new RiskEventWriter(
      { ...shared, meter: new WriterMeter(store.metrics, 'risk_events', log) },
      store.partitions,
    );
    const sockets = new WebsocketMetricWriter(
      { ...shared, meter: new WriterMeter(store.metrics, 'websocket_metrics', log) },
      store.partitions,
    );
    const limitId = randomUUID();
    const atMs = Date.UTC(2026, 0, 5);
    await events.append([
      {
        portfolioId: 'P',
        limitId,
        limitType: 'var',
        from: 'normal',
        to: 'breach',
        value: null,
        thresholdValue: 1,
        warningThreshold: 0.8,
        atMs,
      },
    ]);
    const stored = await store.database.reader.query('SELECT * FROM risk_events');
    expect(stored.rows).toEqual([
      {
        portfolio_id: 'P',
        limit_id: limitId,
        limit_type: 'var',
        from_status: 'normal',
        to_status: 'breach',
        value: null,
        threshold_value: 1,
        warning_threshold: 0.8,
        timestamp: new Date(atMs),
        metadata: null,
      },
    ]);
    const now = Date.now();
    const status = { topics: 2, bytesQueued: 10, messagesQueued: 1, lagMs: 5 };
    await sockets.append(sampleConnections([status, { ...status, lagMs: 9 }], now, 'n'));
    const sampled = await store.database.reader.query(
      'SELECT metric_type, value FROM websocket_metrics ORDER BY metric_type',
    );
    expect(sampled.rows).toEqual([
      { metric_type: 'connections', value: 2 },
      { metric_type: 'queued_bytes', value: 20 },
      { metric_type: 'queued_messages', value: 2 },
      { metric_type: 'subscriptions', value: 4 },
      { metric_type: 'worst_lag_ms', value: 9 },
    ]);
    const connections = new WebsocketConnectionRepository(store.database);
    const record = {
      connectionId: 'c1',
      node: 'n',
      subject: null,
      connectedAtMs: now,
      metadata: { path: '/ws/stream', address: '127.0.0.1' },
    };
    await connections.opened([record, { ...record, connectionId: 'c2', metadata: { path: '/ws/ingest' } }]);
    await connections.closed([{ connectionId: 'c1', atMs: now + 5, code: 1000 }]);
    expect(await connections.find({ path: '/ws/stream' })).toEqual([
      { ...record, disconnectedAtMs: now + 5, closeCode: 1000 },
    ]);
    await events.stop();
    await sockets.stop();
    await store.close();
  }, 60_000);

  it('does not start with pools larger than the server allows', async () => {
    const url = await branch.freshDatabase();
    await expect(openStore(url, { DB_READER_POOL_MAX: '200', DB_WRITER_POOL_MAX: '100' })).rejects.toThrow(
      /DB_READER_POOL_MAX 200 \+ DB_WRITER_POOL_MAX 100 .* but the server allows \d+/,
    );
  }, 60_000);
});
