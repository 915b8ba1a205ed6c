import { Module, Optional } from '@nestjs/common';
import { Config } from '../config/config.js';
import { Health } from '../health/health.js';
import { Lifecycle } from '../lifecycle/lifecycle.js';
import { type ConnectionStatus, Sources } from '../observability/collection/sources.js';
import { Logger } from '../observability/logger.js';
import { StartupError } from '../startup-error.js';
import { RedisProvider } from '../store/redis.provider.js';
import { BroadcastMetrics } from './broadcast.metrics.js';
import { Broker } from './broker/broker.js';
import { defaultHistory } from './broker/history.js';
import { MemoryBroker } from './broker/memory.broker.js';
import { RedisBroker } from './broker/redis.broker.js';
import { type Client, lagMs } from './client-view.js';
import { ConnectionsController } from './connections.controller.js';
import { CurrentValues } from './current-values.js';
import { Drain } from './drain.js';
import { EventStreamController } from './event-stream.controller.js';
import { EventStreams } from './event-streams.js';
import { Hub } from './hub.js';
import { NodesController } from './nodes.controller.js';
import { NodesService } from './nodes.service.js';
import { PublishController } from './publish.controller.js';
import { PortfolioPublisher } from './publishers/portfolio.publisher.js';
import { PricePublisher } from './publishers/price.publisher.js';
import { SystemPublisher } from './publishers/system.publisher.js';
import { StreamGateway } from './stream.gateway.js';
import { StreamService } from './stream.service.js';
import { SystemHealthGateway } from './system-health.gateway.js';
import { TapStreams } from './tap-streams.js';
import { WsServer } from './ws-server.js';

/** `redis` where several processes can meet, `memory` where this one is alone. */
function makeBroker(config: Config, redis: RedisProvider, logger: Logger): Broker {
  const asked = config.get('BROKER');
  const useRedis = asked === 'redis' || (asked === 'auto' && redis.mode === 'external');
  if (!useRedis) return new MemoryBroker(defaultHistory);
  if (redis.url === null)
    throw new StartupError('BROKER: redis needs REDIS_URL, or a redis-server on the PATH');
  const log = logger.child('broadcast');
  return new RedisBroker(redis.url, defaultHistory, {
    degraded: (reason) =>
      log.warn({ reason }, 'Redis is away: topics go on for the clients of this process only'),
    recovered: (awayMs, unheard) =>
      log.info({ away_ms: awayMs, unheard_total: unheard }, 'the nodes hear each other again'),
  });
}

/** A topic that fails may fail thousands of times a second. */
const failureLogEveryMs = 1_000;

async function makeHub(
  broker: Broker,
  config: Config,
  metrics: BroadcastMetrics,
  lifecycle: Lifecycle,
  health: Health,
  logger: Logger,
): Promise<Hub> {
  const flush = { windowMs: config.get('WS_FLUSH_MS'), maxMessages: config.get('WS_FLUSH_MESSAGES') };
  const hub = new Hub(broker, flush, metrics);
  metrics.watchHub(hub, broker);
  const log = logger.child('hub');
  let loggedMs = Number.NEGATIVE_INFINITY;
  metrics.onPublishFailure = (error) => {
    if (performance.now() - loggedMs < failureLogEveryMs) return;
    loggedMs = performance.now();
    log.error({ err: error }, 'a message could not be published, or not for all');
  };
  health.state('broker', () => ({ status: broker.state, kind: broker.kind }));
  lifecycle.onShutdown('close', 'broker', () => broker.stop());
  await hub.start();
  return hub;
}

/** Stage 5: what was computed, to whoever follows it. */
@Module({
  controllers: [PublishController, EventStreamController, ConnectionsController, NodesController],
  providers: [
    BroadcastMetrics,
    { provide: Broker, inject: [Config, RedisProvider, Logger], useFactory: makeBroker },
    {
      provide: Hub,
      inject: [Broker, Config, BroadcastMetrics, Lifecycle, Health, Logger],
      useFactory: makeHub,
    },
    WsServer,
    Drain,
    NodesService,
    EventStreams,
    TapStreams,
    CurrentValues,
    StreamService,
    StreamGateway,
    SystemHealthGateway,
    PricePublisher,
    PortfolioPublisher,
    SystemPublisher,
  ],
  exports: [Hub],
})
export class BroadcastModule {
  constructor(server: WsServer, streams: EventStreams, @Optional() sources?: Sources) {
    sources?.provide('connections', () => connectionStatuses(server, streams));
  }
}

function* connectionStatuses({ connections }: WsServer, streams: EventStreams): Iterable<ConnectionStatus> {
  const now = Date.now();
  for (const connection of connections.values()) yield statusOf(connection, now);
  for (const { client } of streams.list()) yield statusOf(client, now);
}

const statusOf = (client: Client, nowMs: number): ConnectionStatus => ({
  topics: client.subscriptions.length,
  bytesQueued: client.queuedBytes,
  messagesQueued: client.queuedMessages,
  lagMs: lagMs(client, nowMs),
});
