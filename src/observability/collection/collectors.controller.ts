import { Body, Controller, Get, Param, Patch } from '@nestjs/common';
import { z } from 'zod';
import { EventBus } from '../../domain/event-bus.js';
import { reportOf, reportOfBroken } from './collector-report.js';
import { CollectorRunner } from './collector-runner.js';
import { intervalSeconds } from './collector-settings.js';

const nameSchema = z.string().regex(/^[a-z][a-z0-9-]{0,62}$/);
const changeSchema = z
  .strictObject({ enabled: z.boolean().optional(), interval_seconds: intervalSeconds.optional() })
  .refine((change) => Object.keys(change).length > 0, 'names nothing to change');
type Change = z.output<typeof changeSchema>;

@Controller('api/v1/ops/collectors')
export class CollectorsController {
  constructor(
    private readonly runner: CollectorRunner,
    private readonly bus: EventBus,
  ) {}

  @Get()
  list() {
    return {
      as_of: new Date().toISOString(),
      data_age_ms: 0,
      collectors: [...this.runner.list().map(reportOf), ...this.runner.broken.map(reportOfBroken)],
    };
  }

  @Get(':name')
  one(@Param('name', { schema: nameSchema }) name: string) {
    return reportOf(this.runner.get(name));
  }

  /** In force at once and until the next start; `COLLECTORS_CONFIG` is what lasts. */
  @Patch(':name')
  async change(
    @Param('name', { schema: nameSchema }) name: string,
    @Body({ schema: changeSchema }) change: Change,
  ) {
    const { enabled, interval_seconds: seconds } = change;
    const intervalMs = seconds === undefined ? undefined : seconds * 1000;
    const task = await this.runner.change(name, { enabled, intervalMs });
    this.bus.emit('operation.done', { what: 'collector', name, change });
    return reportOf(task);
  }
}
