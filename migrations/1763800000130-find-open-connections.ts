import type { MigrationInterface, QueryRunner } from 'typeorm';
import { createIndex } from './time-table.js';

/** Connections of a killed process stay open in the table until somebody notices that it is gone. */
export class FindOpenConnections1763800000130 implements MigrationInterface {
  name = 'FindOpenConnections1763800000130';

  async up(runner: QueryRunner): Promise<void> {
    await createIndex(
      runner,
      'websocket_connections_open',
      'websocket_connections (connected_at) WHERE disconnected_at IS NULL',
      'clean-up: connections that no process has closed, oldest first',
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP INDEX websocket_connections_open');
  }
}
