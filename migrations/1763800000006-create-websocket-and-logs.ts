import type { MigrationInterface, QueryRunner } from 'typeorm';
import { createIndex, createTimeTable } from './time-table.js';

/** Connections with their metadata, what they carried, and debug logs that are wanted in SQL. */
export class CreateWebsocketAndLogs1763800000006 implements MigrationInterface {
  name = 'CreateWebsocketAndLogs1763800000006';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`CREATE TABLE websocket_connections (
      connection_id text PRIMARY KEY,
      node text NOT NULL,
      subject text,
      connected_at timestamptz NOT NULL,
      disconnected_at timestamptz,
      close_code integer,
      metadata jsonb NOT NULL DEFAULT '{}')`);
    await createIndex(
      runner,
      'websocket_connections_metadata',
      'websocket_connections USING gin (metadata jsonb_path_ops)',
      'connections whose metadata contain given pairs (@>)',
    );
    await createIndex(
      runner,
      'websocket_connections_closed',
      'websocket_connections (disconnected_at) WHERE disconnected_at IS NOT NULL',
      'clean-up of connections closed long ago',
    );
    await createTimeTable(runner, {
      name: 'websocket_metrics',
      columns: `node text NOT NULL,
        metric_type text NOT NULL,
        value double precision NOT NULL,
        "timestamp" timestamptz NOT NULL,
        metadata jsonb`,
      timeColumn: 'timestamp',
      // The guide keeps 5-minute chunks for 7 days: 2,016 of them, each opened by every query without a time bound.
      chunk: '1 day',
    });
    await createIndex(
      runner,
      'websocket_metrics_type_time',
      'websocket_metrics (metric_type, "timestamp" DESC)',
      'one figure of all nodes in a span of time',
    );
    await createTimeTable(runner, {
      name: 'debug_logs',
      columns: `level text NOT NULL,
        module text NOT NULL,
        message text NOT NULL,
        "timestamp" timestamptz NOT NULL,
        context jsonb`,
      timeColumn: 'timestamp',
      chunk: '1 day',
    });
    await createIndex(
      runner,
      'debug_logs_time',
      'debug_logs USING brin ("timestamp") WITH (autosummarize = on)',
      'the lines of a span of time (written in its order)',
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE debug_logs CASCADE');
    await runner.query('DROP TABLE websocket_metrics CASCADE');
    await runner.query('DROP TABLE websocket_connections');
  }
}
