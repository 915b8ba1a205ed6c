// The real hub for load clients: `node dist/bench/ws/server.js PORT`. Everything of the broadcast stage runs as in the
// server (adapter, gateways, metrics), without the stages before it. Beside the real endpoints:
//   /ws    whoever connects is subscribed to one topic        /echo    pings, as /ws/system/health
//   GET /start?rate=R&burst=B&size=N    publish R messages/s, B at a time; rate=0: as fast as the sockets drain
//   GET /stop    {"published": n, …}     GET /queued    the most bytes that wait for one client
//   GET /gc    a full collection (node --expose-gc) and the memory
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import type { FastifyInstance } from 'fastify';
import { BroadcastModule } from '../../src/broadcast/broadcast.module.js';
import { Hub } from '../../src/broadcast/hub.js';
import { StreamService } from '../../src/broadcast/stream.service.js';
import { fastWriter } from '../../src/broadcast/wire/socket-writer.js';
import { WsServer } from '../../src/broadcast/ws-server.js';
import { CoreModule } from '../../src/core.module.js';
import { foundation, nestServer } from '../nest-server.js';
import { Publisher } from './publisher.js';

const topic = 'custom.t';

const core = foundation(process.env);

@Module({ imports: [CoreModule.forRoot(core), BroadcastModule] })
class BenchModule {}

const app = await nestServer(BenchModule, core);

const hub = app.get(Hub);
const server = app.get(WsServer);
const stream = app.get(StreamService);
const options = { policy: 'all', everyMs: 0, key: null, delta: false } as const;
const all = server.endpoint({ path: '/ws', scope: null });
all.handler = stream;
all.onConnection = (connection) => void hub.subscribe(connection, topic, options, null, () => {});
server.endpoint({ path: '/echo', scope: null }).handler = stream;

const sockets = (): { queuedBytes: number }[] => [...server.connections.values()];
const publisher = new Publisher(
  (data) => hub.publish(topic, data),
  () => hub.busy,
  sockets,
);

const fastify = app.getHttpAdapter().getInstance() as unknown as FastifyInstance;
fastify.get('/ready', () => ({ ready: true }));
fastify.get('/start', (request) => publisher.start(request.query as Record<string, string>));
fastify.get('/stop', () => {
  const writes = core.metrics.read('tidewatch_ws_write_messages_count')[0]?.value ?? 0;
  const messages = core.metrics.read('tidewatch_ws_write_messages_sum')[0]?.value ?? 0;
  return {
    ...publisher.stop(),
    /** More than the burst: messages were joined because the loop fell behind. */
    messages_per_write: messages / Math.max(1, writes),
    writer: fastWriter?.name ?? 'stream',
  };
});
fastify.get('/queued', () => {
  let most = 0;
  for (const { queuedBytes } of server.connections.values()) most = Math.max(most, queuedBytes);
  return { most };
});
fastify.get('/gc', () => {
  for (let i = 0; i < 3; i++) globalThis.gc?.();
  return process.memoryUsage();
});

await app.init();
await fastify.ready();
await app.getHttpServer().listen({ port: Number(process.argv[2] ?? 0), host: '127.0.0.1', backlog: 4_096 });
process.once('SIGTERM', () => process.exit(0));
