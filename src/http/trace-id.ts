import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { isSpanContextValid, trace } from '@opentelemetry/api';
import type { FastifyRequest } from 'fastify';

/**
 * The id under which one request is found in answers, logs and traces: the active trace's, else the one the client
 * sent (`traceparent`, W3C Trace Context), else a new one. 32 hexadecimal digits.
 */
export function traceIdOf(request: Pick<IncomingMessage, 'headers'>): string {
  const active = trace.getActiveSpan()?.spanContext();
  if (active !== undefined && isSpanContextValid(active)) return active.traceId;
  const parent = request.headers.traceparent;
  const sent = typeof parent === 'string' ? /^[0-9a-f]{2}-([0-9a-f]{32})-/.exec(parent)?.[1] : undefined;
  return sent !== undefined && sent !== '0'.repeat(32) ? sent : randomBytes(16).toString('hex');
}

/** Names the request's span after its route template: the instrumentation of http knows paths only. */
export function nameSpan({ method, routeOptions, is404 }: FastifyRequest): void {
  const route = is404 ? undefined : routeOptions.url;
  if (route !== undefined)
    trace.getActiveSpan()?.updateName(`${method} ${route}`).setAttribute('http.route', route);
}
