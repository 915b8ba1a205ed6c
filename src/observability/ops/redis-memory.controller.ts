import { Body, Controller, Get, HttpCode, Post } from '@nestjs/common';
import { z } from 'zod';
import { EventBus } from '../../domain/event-bus.js';
import { RedisMemoryService } from './redis-memory.service.js';

/** The body may be left out. */
const optimizeSchema = z.strictObject({ force: z.boolean().default(false) }).nullish();

@Controller('api/v1/ops/redis')
export class RedisMemoryController {
  constructor(
    private readonly redis: RedisMemoryService,
    private readonly bus: EventBus,
  ) {}

  @Get('memory')
  memory() {
    return this.redis.read();
  }

  @Post('optimize')
  @HttpCode(200)
  async optimize(@Body({ schema: optimizeSchema }) body: z.output<typeof optimizeSchema>) {
    const done = await this.redis.optimize(body?.force ?? false);
    const { action, released_bytes } = done;
    this.bus.emit('operation.done', { what: 'redis memory', name: action, change: { released_bytes } });
    return done;
  }
}
