import { Global, Module } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { CollectorRunner } from './collection/collector-runner.js';
import { CollectorsController } from './collection/collectors.controller.js';
import { NestRunScheduler, RunScheduler } from './collection/run-scheduler.js';
import { Sources } from './collection/sources.js';
import { LatencyWindows } from './latency-windows.js';
import { MetricsController } from './metrics.controller.js';
import { Metrics } from './metrics.js';
import { LogLevelsController } from './ops/log-levels.controller.js';
import { PoolController } from './ops/pool.controller.js';
import { RedisMemoryController } from './ops/redis-memory.controller.js';
import { RedisMemoryService } from './ops/redis-memory.service.js';
import { ScrapeService } from './scrape.service.js';
import { TracingService } from './tracing/tracing.service.js';

/** Watches the flow from beside it; stages may inject what it exports and lend it what they know (`Sources`). */
@Global()
@Module({
  imports: [ScheduleModule.forRoot()],
  controllers: [
    MetricsController,
    CollectorsController,
    PoolController,
    LogLevelsController,
    RedisMemoryController,
  ],
  providers: [
    Sources,
    ScrapeService,
    CollectorRunner,
    RedisMemoryService,
    TracingService,
    { provide: RunScheduler, useClass: NestRunScheduler },
    { provide: LatencyWindows, useFactory: (metrics: Metrics) => metrics.windows, inject: [Metrics] },
  ],
  exports: [Sources, LatencyWindows, CollectorRunner],
})
export class ObservabilityModule {}
