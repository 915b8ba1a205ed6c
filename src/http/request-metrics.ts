import type { FastifyReply, FastifyRequest } from 'fastify';
import { httpRequestSeconds } from '../observability/catalogue/http.js';
import type { HistogramHandle, Metrics } from '../observability/metrics.js';

const methods = new Set(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']);

/** Observes how long each request took; series are bound once per method, route template and status class. */
export class RequestMetrics {
  private readonly bound = new Map<string, HistogramHandle>();

  constructor(private readonly metrics: Metrics) {}

  observe(request: FastifyRequest, reply: FastifyReply): void {
    const method = methods.has(request.method) ? request.method : 'other';
    // The template, never the URL; what no route matched is one series.
    const route = request.is404 ? 'unmatched' : (request.routeOptions.url ?? 'unmatched');
    const status = `${Math.min(5, Math.max(2, Math.floor(reply.statusCode / 100)))}xx`;
    const key = `${method} ${route} ${status}`;
    let handle = this.bound.get(key);
    if (handle === undefined) {
      handle = this.metrics.histogram(httpRequestSeconds, { method, route, status });
      this.bound.set(key, handle);
    }
    handle.observe(reply.elapsedTime / 1000);
  }
}
