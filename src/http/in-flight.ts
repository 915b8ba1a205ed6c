import type { Server } from 'node:http';
import type { FastifyInstance } from 'fastify';
import type { Lifecycle } from '../lifecycle/lifecycle.js';

/** Requests that have not ended by then are cut off with the process. */
const drainMs = 2_500;

/**
 * Ends HTTP in the middle of a shutdown: after the clients have been told to leave, so that readiness is answered until
 * then, and before the pools close, so that every request under way gets its answer. Ingest requests get theirs from
 * the flush that runs in the same phase.
 */
export function drainRequests(fastify: FastifyInstance, lifecycle: Lifecycle): void {
  let underWay = 0;
  let onIdle: (() => void) | undefined;
  fastify.addHook('onRequest', (_request, reply, done) => {
    underWay++;
    reply.raw.once('close', () => {
      underWay--;
      if (underWay === 0) onIdle?.();
    });
    // A connection that stays open would be cut off at the end.
    if (lifecycle.isStopping) reply.header('connection', 'close');
    done();
  });
  lifecycle.onShutdown('flush', 'HTTP', async () => {
    const server = fastify.server as Server;
    if (!server.listening) return;
    server.close();
    server.closeIdleConnections();
    if (underWay === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, drainMs);
      onIdle = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  });
}
