import { type ArgumentsHost, Catch, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger, ModuleLogger } from '../observability/logger.js';
import { asProblem, defect, problemContentType, problemDetails } from './problem-details.js';

/** Every error of every HTTP route leaves through here, as problem+json. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  private readonly log: ModuleLogger;

  constructor(logger: Logger) {
    this.log = logger.child('http');
  }

  catch(error: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    const problem = asProblem(error) ?? defect;
    if (problem === defect) {
      this.log.error(
        { err: error, trace_id: request.id, method: request.method, url: request.url },
        'request failed',
      );
    }
    if (reply.sent || reply.raw.headersSent) {
      // The answer has begun: its end is the only thing left to say that it is incomplete.
      reply.raw.destroy();
      return;
    }
    const { retryAfterSeconds, headers } = problem.extra;
    if (headers !== undefined) reply.headers(headers);
    if (retryAfterSeconds !== undefined) reply.header('retry-after', String(Math.ceil(retryAfterSeconds)));
    reply
      .code(problem.status)
      .header('content-type', problemContentType)
      // A string: a reply schema or serializer of the route must not touch it.
      .send(JSON.stringify(problemDetails(problem, request.id)));
  }
}
