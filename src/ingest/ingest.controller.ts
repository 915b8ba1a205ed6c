import { Readable } from 'node:stream';
import { Controller, HttpCode, Post, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { Config } from '../config/config.js';
import { formatOf } from './body-format.js';
import { IngestService } from './ingest.service.js';
import type { IngestAnswer, IngestOutcome } from './ingest-report.js';
import { decodedBody, discardRest } from './request-body.js';
import { readIdempotencyKey } from './upload-key.js';

const pointParameters = z.strictObject({
  precision: z.enum(['ns', 'us', 'ms', 's']).default('ns').describe('unit of line protocol timestamps'),
});

/** The HTTP door. Bodies are streams: nothing here holds more than a chunk of one. */
@Controller('api/v1/ingest')
export class IngestController {
  private readonly maxBodyBytes: number;

  constructor(
    private readonly ingest: IngestService,
    config: Config,
  ) {
    this.maxBodyBytes = config.get('INGEST_MAX_BODY_BYTES');
  }

  @Post('ticks')
  @HttpCode(200)
  ticks(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<IngestAnswer> {
    return this.answer(request, reply, async () => {
      const format = formatOf(request.headers['content-type'], 'ticks');
      return this.ingest.uploadTicks({
        source: { body: this.body(request), format },
        via: 'http',
        idempotencyKey: readIdempotencyKey(request.headers['idempotency-key']),
      });
    });
  }

  @Post('metrics')
  @HttpCode(200)
  metrics(
    @Query({ schema: pointParameters }) { precision }: z.output<typeof pointParameters>,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<IngestAnswer> {
    return this.answer(request, reply, async () => {
      const format = formatOf(request.headers['content-type'], 'metrics');
      return this.ingest.uploadPoints({
        source: { body: this.body(request), format, precision },
        via: 'http',
        idempotencyKey: readIdempotencyKey(request.headers['idempotency-key']),
      });
    });
  }

  private async answer(
    request: FastifyRequest,
    reply: FastifyReply,
    upload: () => Promise<IngestOutcome>,
  ): Promise<IngestAnswer> {
    try {
      const { answer, replayed } = await upload();
      if (replayed) reply.header('idempotency-replayed', 'true');
      return answer;
    } catch (error) {
      // A client that is still sending would not read the answer before it is done or the connection is cut.
      if (!(await discardRest(request.raw))) reply.header('connection', 'close');
      throw error;
    }
  }

  private body(request: FastifyRequest): AsyncIterable<Buffer> {
    const { 'content-encoding': encoding, 'content-length': length } = request.headers;
    const stream = request.body instanceof Readable ? request.body : Readable.from([]);
    return decodedBody(
      stream,
      encoding,
      length === undefined ? undefined : Number(length),
      this.maxBodyBytes,
    );
  }
}
