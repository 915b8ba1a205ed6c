import { type DynamicModule, Module } from '@nestjs/common';
import { AnalyticsModule } from './analytics/analytics.module.js';
import { BroadcastModule } from './broadcast/broadcast.module.js';
import { ConsoleModule } from './console/console.module.js';
import { CoreModule, type Foundation } from './core.module.js';
import { DemoModule } from './demo/demo.module.js';
import { HealthModule } from './health/health.module.js';
import { IngestModule } from './ingest/ingest.module.js';
import { AlertingModule } from './observability/alerting/alerting.module.js';
import { ObservabilityModule } from './observability/observability.module.js';
import { RiskModule } from './risk/risk.module.js';
import { StoreModule } from './store/store.module.js';

/** The composition root: the stages in the order in which the data flows, then what stands beside the flow. */
@Module({})
// biome-ignore lint/complexity/noStaticOnlyClass: a Nest dynamic module is a class with a static factory
export class AppModule {
  static forRoot(foundation: Foundation): DynamicModule {
    return {
      module: AppModule,
      imports: [
        CoreModule.forRoot(foundation),
        IngestModule,
        StoreModule,
        AnalyticsModule,
        RiskModule,
        BroadcastModule,
        ObservabilityModule,
        AlertingModule,
        HealthModule,
        ConsoleModule,
        DemoModule,
      ],
    };
  }
}
