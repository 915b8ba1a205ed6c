import { Module } from '@nestjs/common';
import { HealthController } from './health.controller.js';
import { ReadinessMetric } from './readiness.metric.js';

/** The registry itself, {@link Health}, is global: dependencies register where they live. */
@Module({ controllers: [HealthController], providers: [ReadinessMetric] })
export class HealthModule {}
