import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/**
 * The id under which one request is found in answers and logs: the one of the client's trace (`traceparent`, W3C Trace
 * Context), else a new one. 32 hexadecimal digits.
 */
export function traceIdOf(request: Pick<IncomingMessage, 'headers'>): string {
  const parent = request.headers.traceparent;
  const sent = typeof parent === 'string' ? /^[0-9a-f]{2}-([0-9a-f]{32})-/.exec(parent)?.[1] : undefined;
  return sent !== undefined && sent !== '0'.repeat(32) ? sent : randomBytes(16).toString('hex');
}
