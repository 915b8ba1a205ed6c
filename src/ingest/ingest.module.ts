import { Module } from '@nestjs/common';
import { EventBus } from '../domain/event-bus.js';
import { PortfolioRepository } from '../store/portfolio.repository.js';
import { StoreModule } from '../store/store.module.js';
import { IdempotentUploads } from './idempotent-uploads.js';
import { IngestController } from './ingest.controller.js';
import { IngestGateway } from './ingest.gateway.js';
import { IngestService } from './ingest.service.js';
import { KnownPortfolios } from './known-portfolios.js';
import { TicksController } from './ticks.controller.js';

/** 1. The door: accepts, validates, and hands on to the store; answers when it is durable. */
@Module({
  imports: [StoreModule],
  controllers: [IngestController, TicksController],
  providers: [
    IngestService,
    IngestGateway,
    IdempotentUploads,
    {
      provide: KnownPortfolios,
      inject: [PortfolioRepository, EventBus],
      useFactory: (portfolios: PortfolioRepository, bus: EventBus) => new KnownPortfolios(portfolios, bus),
    },
  ],
  exports: [IngestService],
})
export class IngestModule {}
