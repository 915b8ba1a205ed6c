import { Body, Controller, Get, Patch } from '@nestjs/common';
import { z } from 'zod';
import { EventBus } from '../../domain/event-bus.js';
import { notFound } from '../../domain/problem.js';
import { Logger, logLevels } from '../logger.js';

const changeSchema = z.strictObject({
  /** Left out: every module. */
  module: z.string().min(1).max(64).optional(),
  level: z.enum(logLevels),
});

@Controller('api/v1/ops/log-levels')
export class LogLevelsController {
  constructor(
    private readonly logger: Logger,
    private readonly bus: EventBus,
  ) {}

  @Get()
  read() {
    return { modules: this.logger.levels() };
  }

  /** In force at once and until the next start; `LOG_LEVEL` is what lasts. */
  @Patch()
  change(@Body({ schema: changeSchema }) { module, level }: z.output<typeof changeSchema>) {
    if (!this.logger.setLevel(module ?? null, level)) throw notFound('log module', module ?? '');
    this.logger.child('log').info({ for: module ?? 'all', to: level }, 'the log level was changed by API');
    this.bus.emit('operation.done', { what: 'log level', name: module ?? 'all', change: { level } });
    return this.read();
  }
}
