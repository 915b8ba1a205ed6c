import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Logger } from '../../../src/observability/logger.js';
import { cleanUp } from '../../../src/store/clean-up.js';
import { Database } from '../../../src/store/database.js';
import { WebsocketConnectionRepository } from '../../../src/store/websocket-connection.repository.js';
import { startApp, type TestApp, until } from '../../harness/index.js';
import { WsClient } from '../broadcast/ws-client.js';

describe('what the server keeps about itself', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp({ LOG_LEVEL: 'info' });
  });
  afterAll(() => app.stop());

  it('connections, with where they came from and how they ended', async () => {
    const client = await WsClient.open(`${app.wsUrl}/ws/stream`);
    const connections = app.app.get(WebsocketConnectionRepository, { strict: false });
    const open = await until(async () => (await connections.find({ path: '/ws/stream' }))[0]);
    expect(open).toMatchObject({
      subject: expect.anything(),
      disconnectedAtMs: null,
      metadata: { path: '/ws/stream', address: expect.stringContaining('127.0.0.1') },
    });
    client.socket.close(1000);
    const closed = await until(async () => {
      const [found] = await connections.find({ path: '/ws/stream' });
      return found?.disconnectedAtMs === null ? undefined : found;
    });
    expect(closed).toMatchObject({ connectionId: open.connectionId, closeCode: 1000 });
  });

  it('connections of a process that was killed, as lost', async () => {
    const database = app.app.get(Database);
    const connections = app.app.get(WebsocketConnectionRepository, { strict: false });
    const record = { node: 'gone', subject: null, metadata: { path: '/lost' } };
    await connections.opened([
      { ...record, connectionId: 'old', connectedAtMs: Date.now() - 3_600_000 },
      { ...record, connectionId: 'new', connectedAtMs: Date.now() },
    ]);
    await cleanUp(database);
    const found = await connections.find({ path: '/lost' });
    expect(found.map((c) => [c.connectionId, c.closeCode])).toEqual([
      ['new', null],
      ['old', 1006],
    ]);
  });

  it('warnings and worse, not what is less', async () => {
    const log = app.app.get(Logger).child('test');
    log.info('only for the file');
    log.warn({ disk: '/dev/sda', free: 0.5 }, 'little room');
    log.error({ err: new Error('a\0b') }, 'broken');
    const rows = await until(async () => {
      const { rows } = await app.app
        .get(Database)
        .reader.query(
          "SELECT level, message, context FROM debug_logs WHERE module = 'test' ORDER BY level DESC",
        );
      return rows.length >= 2 ? rows : undefined;
    });
    expect(rows).toEqual([
      { level: 'warn', message: 'little room', context: { disk: '/dev/sda', free: 0.5 } },
      { level: 'error', message: 'broken', context: { err: expect.objectContaining({ message: 'ab' }) } },
    ]);
  });
});
