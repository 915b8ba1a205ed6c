import { Module } from '@nestjs/common';
import { Config } from '../config/config.js';
import { EventBus } from '../domain/event-bus.js';
import { Lifecycle } from '../lifecycle/lifecycle.js';
import { Logger } from '../observability/logger.js';
import { Metrics } from '../observability/metrics.js';
import { MetricWriter } from '../store/metric.writer.js';
import { PortfolioRepository } from '../store/portfolio.repository.js';
import { StoreModule } from '../store/store.module.js';
import { TickRepository } from '../store/tick.repository.js';
import { AnalyticsController, SprintAnalyticsController } from './analytics.controller.js';
import { AnalyticsService } from './analytics.service.js';
import { AnalyticsRuntime } from './analytics-runtime.js';
import { ComputeService } from './compute/compute.service.js';
import { HistoryController } from './history.controller.js';
import { PortfolioBook } from './portfolio-book.js';
import { PortfoliosController } from './portfolios.controller.js';

/** Rebuilt from the store before anything that uses it is made. */
const runtime = {
  provide: AnalyticsRuntime,
  inject: [Config, EventBus, Lifecycle, Logger, Metrics, TickRepository, PortfolioRepository, MetricWriter],
  useFactory: (
    config: Config,
    bus: EventBus,
    lifecycle: Lifecycle,
    logger: Logger,
    metrics: Metrics,
    ticks: TickRepository,
    portfolios: PortfolioRepository,
    writer: MetricWriter,
  ) =>
    AnalyticsRuntime.start({ config, bus, lifecycle, logger, metrics, store: { ticks, portfolios }, writer }),
};

/** 3. Positions and prices → values, windows, statistics. */
@Module({
  imports: [StoreModule],
  controllers: [AnalyticsController, SprintAnalyticsController, PortfoliosController, HistoryController],
  providers: [
    runtime,
    {
      provide: PortfolioBook,
      inject: [AnalyticsRuntime],
      useFactory: ({ engine }: AnalyticsRuntime) => engine,
    },
    AnalyticsService,
    ComputeService,
  ],
  exports: [PortfolioBook, AnalyticsService, AnalyticsRuntime],
})
export class AnalyticsModule {}
