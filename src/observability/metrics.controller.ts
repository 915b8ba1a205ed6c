import { timingSafeEqual } from 'node:crypto';
import { Controller, Get, Headers, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Config } from '../config/config.js';
import { Problem } from '../domain/problem.js';
import { openMetricsContentType, promContentType, wantsOpenMetrics } from './exposition.js';
import { ScrapeService } from './scrape.service.js';

@Controller('metrics')
export class MetricsController {
  private readonly token: string | undefined;

  constructor(
    private readonly scrapes: ScrapeService,
    config: Config,
  ) {
    this.token = config.get('METRICS_TOKEN');
  }

  /** The scrape: Prometheus text, OpenMetrics with exemplars for whoever prefers it. */
  @Get()
  async scrape(
    @Headers('accept') accept: string | undefined,
    @Headers('authorization') authorization: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string> {
    this.authorise(authorization);
    const openMetrics = wantsOpenMetrics(accept);
    reply.header('content-type', openMetrics ? openMetricsContentType : promContentType);
    reply.header('cache-control', 'no-store').header('vary', 'accept');
    return this.scrapes.text(openMetrics);
  }

  private authorise(authorization: string | undefined): void {
    if (this.token === undefined) return;
    const given = Buffer.from(authorization?.replace(/^Bearer /i, '') ?? '');
    const wanted = Buffer.from(this.token);
    if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) {
      throw new Problem(
        401,
        'METRICS_TOKEN_REQUIRED',
        'GET /metrics needs the METRICS_TOKEN as bearer token.',
      );
    }
  }
}
