import type { FastifyInstance, FastifyRequest } from 'fastify';
import { beginRequest, type RequestSpan } from '../observability/tracing/tracing.js';
import { tracing } from '../observability/tracing/tracing-state.js';

/** Paths that are asked every few seconds and say nothing about requests. */
const untraced = /^\/(?:metrics|health)(?:[/?]|$)/;

/**
 * Gives each request that is to be recorded a span, named after its route template, in which its handler runs. Our own
 * hooks, because what the instrumentation of `http` does for every request, recorded or not, costs more than all else
 * that watches.
 */
export function traceRequests(fastify: FastifyInstance): void {
  if (tracing() === null) return;
  const spans = new WeakMap<FastifyRequest, RequestSpan>();
  fastify.addHook('onRequest', (request, reply, done) => {
    const span = untraced.test(request.url) ? null : begin(request);
    if (span === null) return done();
    spans.set(request, span);
    request.id = span.traceId;
    // Also when the client goes away before it has its answer.
    reply.raw.once('close', () => {
      const { statusCode } = reply.raw;
      const error = statusCode >= 500 ? `HTTP ${statusCode}` : reply.raw.writableFinished ? null : 'cut off';
      span.end({ 'http.response.status_code': statusCode }, error);
    });
    span.run(done);
  });
  // A body arrives on the socket's time, outside of what the hook before it was called in.
  fastify.addHook('preValidation', (request, _reply, done) => {
    const span = spans.get(request);
    if (span === undefined) done();
    else span.run(done);
  });
}

function begin({ method, headers, routeOptions, is404, url }: FastifyRequest): RequestSpan | null {
  const route = is404 ? undefined : routeOptions.url;
  return beginRequest(headers, route === undefined ? method : `${method} ${route}`, {
    'http.request.method': method,
    'url.path': url.split('?', 1)[0],
    'http.route': route,
  });
}
