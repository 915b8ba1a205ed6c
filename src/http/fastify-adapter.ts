import type { Socket } from 'node:net';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Problem } from '../domain/problem.js';
import type { Lifecycle } from '../lifecycle/lifecycle.js';
import type { Metrics } from '../observability/metrics.js';
import { addBodyParsers, maxBodyBytes } from './body-parsers.js';
import { drainRequests } from './in-flight.js';
import { refuseForeign } from './origin-policy.js';
import { asProblem, defect, problemContentType, problemDetails } from './problem-details.js';
import { RequestMetrics } from './request-metrics.js';
import { traceRequests } from './request-traces.js';
import { RouteMethods } from './route-methods.js';
import { traceIdOf } from './trace-id.js';

/**
 * Fastify as this server needs it: body parsers, origin guard, trace ids, request metrics, errors as problem+json.
 * @param open without API keys, on loopback only
 */
export function createFastifyAdapter(metrics: Metrics, lifecycle: Lifecycle, open = true): FastifyAdapter {
  const adapter = new FastifyAdapter({
    bodyLimit: maxBodyBytes,
    genReqId: traceIdOf,
    requestIdHeader: false,
    http: {
      // Node would answer a request without a Host by itself, with nothing in it; the origin policy says why.
      requireHostHeader: false,
      // Clients that would rather speak HTTP/2 (Java's, `curl --http2`) offer it on every request; one may ignore that.
      shouldUpgradeCallback: ({ headers }) => headers.upgrade?.toLowerCase() === 'websocket',
    },
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 200 },
    // Slow senders: headers within 10 s; bodies of ingest may stream as long as bytes keep coming.
    connectionTimeout: 0,
    keepAliveTimeout: 65_000,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    clientErrorHandler: answerMalformedRequest,
    // A malformed URL is answered by the router, before any hook.
    frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply) => {
      const problem = asProblem(error) ?? defect;
      const details = problemDetails(problem, traceIdOf(request.raw));
      void reply
        .code(problem.status)
        .header('content-type', problemContentType)
        .send(JSON.stringify(details));
    },
  });
  const fastify = adapter.getInstance<FastifyInstance>();
  addBodyParsers(fastify);
  const requests = new RequestMetrics(metrics);
  const methods = new RouteMethods(fastify);
  traceRequests(fastify);
  drainRequests(fastify, lifecycle);
  fastify.addHook('onRequest', (request, _reply, done) => {
    done(refuseForeign(request.headers, open) ?? methods.refuse(request));
  });
  fastify.addHook('onResponse', (request, reply, done) => {
    requests.observe(request, reply);
    done();
  });
  return adapter;
}

/** What Node could not parse as HTTP never becomes a request; it is answered on the bare socket. */
function answerMalformedRequest(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const problem =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? new Problem(431, 'HEADERS_TOO_LARGE', 'The request headers are too large.')
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? new Problem(408, 'REQUEST_TIMEOUT', 'The request took too long to arrive.')
        : new Problem(400, 'MALFORMED_REQUEST', 'The request is not valid HTTP.');
  const details = problemDetails(problem, traceIdOf({ headers: {} }));
  const body = JSON.stringify(details);
  socket.end(
    `HTTP/1.1 ${details.status} ${details.title}\r\ncontent-type: ${problemContentType}\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}
