import { Module } from '@nestjs/common';
import { Config } from '../config/config.js';
import { Lifecycle } from '../lifecycle/lifecycle.js';
import { BroadcastMetrics } from './broadcast.metrics.js';
import { Broker } from './broker/broker.js';
import { defaultHistory } from './broker/history.js';
import { MemoryBroker } from './broker/memory.broker.js';
import { Drain } from './drain.js';
import { Hub } from './hub.js';
import { PortfolioPublisher } from './publishers/portfolio.publisher.js';
import { PricePublisher } from './publishers/price.publisher.js';
import { SystemPublisher } from './publishers/system.publisher.js';
import { StreamGateway } from './stream.gateway.js';
import { StreamService } from './stream.service.js';
import { SystemHealthGateway } from './system-health.gateway.js';
import { WsServer } from './ws-server.js';

/** Stage 5: what was computed, to whoever follows it. */
@Module({
  providers: [
    BroadcastMetrics,
    { provide: Broker, useFactory: () => new MemoryBroker(defaultHistory) },
    {
      provide: Hub,
      inject: [Broker, Config, BroadcastMetrics, Lifecycle],
      useFactory: async (broker: Broker, config: Config, metrics: BroadcastMetrics, lifecycle: Lifecycle) => {
        const flush = { windowMs: config.get('WS_FLUSH_MS'), maxMessages: config.get('WS_FLUSH_MESSAGES') };
        const hub = new Hub(broker, flush, metrics);
        metrics.watchHub(hub, { up: () => broker.state === 'ok', historyBytes: () => broker.historyBytes });
        lifecycle.onShutdown('close', 'broker', () => broker.stop());
        await hub.start();
        return hub;
      },
    },
    WsServer,
    Drain,
    StreamService,
    StreamGateway,
    SystemHealthGateway,
    PricePublisher,
    PortfolioPublisher,
    SystemPublisher,
  ],
  exports: [Hub],
})
export class BroadcastModule {}
