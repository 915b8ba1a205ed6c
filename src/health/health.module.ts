import { Module } from '@nestjs/common';
import { HealthController } from './health.controller.js';

/** The registry itself, {@link Health}, is global: dependencies register where they live. */
@Module({ controllers: [HealthController] })
export class HealthModule {}
