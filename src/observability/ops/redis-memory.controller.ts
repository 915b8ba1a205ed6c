import { Body, Controller, Get, HttpCode, Post } from '@nestjs/common';
import { z } from 'zod';
import { RedisMemoryService } from './redis-memory.service.js';

/** The body may be left out. */
const optimizeSchema = z.strictObject({ force: z.boolean().default(false) }).nullish();

@Controller('api/v1/ops/redis')
export class RedisMemoryController {
  constructor(private readonly redis: RedisMemoryService) {}

  @Get('memory')
  memory() {
    return this.redis.read();
  }

  @Post('optimize')
  @HttpCode(200)
  optimize(@Body({ schema: optimizeSchema }) body: z.output<typeof optimizeSchema>) {
    return this.redis.optimize(body?.force ?? false);
  }
}
