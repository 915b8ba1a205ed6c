import { Controller, Get, HttpCode, Param, Post, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { Problem } from '../domain/problem.js';
import { AnalyticsService } from './analytics.service.js';
import { ComputeService, maxComputeBytes } from './compute/compute.service.js';
import { portfolioId } from './portfolio.dto.js';

/** Live statistics of portfolios, and the same statistics of values in a request. */
@Controller('api/v1/analytics')
export class AnalyticsController {
  constructor(
    private readonly analytics: AnalyticsService,
    private readonly computing: ComputeService,
  ) {}

  @Get('portfolio/:id/summary')
  summary(@Param('id', { schema: portfolioId }) id: string) {
    return this.analytics.summary(id);
  }

  @Get('portfolio/:id/explain')
  explain(@Param('id', { schema: portfolioId }) id: string) {
    return this.analytics.explain(id);
  }

  /** The body is a stream here: a large one is parsed off the event loop. Its schema is `computeRequest`. */
  @Post('compute')
  @HttpCode(200)
  async compute(@Req() request: FastifyRequest) {
    if (!/^application\/json\b/i.test(request.headers['content-type'] ?? '')) {
      throw new Problem(415, 'UNSUPPORTED_MEDIA_TYPE', 'Send application/json.');
    }
    const started = performance.now();
    const answer = await this.computing.compute(await wholeBody(request));
    return { ...answer, runtime_ms: performance.now() - started };
  }
}

/** The same under the path that the first clients were written for. */
@Controller('api/v1/sprint3/analytics')
export class SprintAnalyticsController {
  constructor(private readonly analytics: AnalyticsService) {}

  @Get('portfolio/:id/summary')
  summary(@Param('id', { schema: portfolioId }) id: string) {
    return this.analytics.summary(id);
  }
}

async function wholeBody(request: FastifyRequest): Promise<Uint8Array> {
  const tooLarge = new Problem(413, 'BODY_TOO_LARGE', `The body is larger than ${maxComputeBytes} bytes.`);
  if (Number(request.headers['content-length'] ?? 0) > maxComputeBytes) throw tooLarge;
  const encoding = request.headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') {
    throw new Problem(415, 'UNSUPPORTED_CONTENT_ENCODING', 'Send the body without Content-Encoding.');
  }
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request.body as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxComputeBytes) throw tooLarge;
    chunks.push(chunk);
  }
  if (size === 0) throw new Problem(400, 'EMPTY_BODY', 'The body is empty; JSON is expected.');
  return Buffer.concat(chunks);
}
