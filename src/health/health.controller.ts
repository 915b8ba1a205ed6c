import { Controller, Get, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Lifecycle } from '../lifecycle/lifecycle.js';
import { Health } from './health.js';

@Controller('health')
export class HealthController {
  constructor(
    private readonly health: Health,
    private readonly lifecycle: Lifecycle,
  ) {}

  /** 200 as long as the process answers; what does not work is in the body. */
  @Get()
  overall() {
    return this.health.report();
  }

  @Get('live')
  live() {
    return { status: 'ok' };
  }

  /** 503 while starting, draining or without its database. */
  @Get('ready')
  ready(@Res({ passthrough: true }) reply: FastifyReply) {
    const reasons = this.lifecycle.unreadyReasons;
    if (reasons.length === 0) return { status: 'ready' };
    reply.code(503).header('retry-after', '1');
    return { status: 'unready', reasons };
  }
}
