import { randomFillSync } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

const idBytes = 16;
/** Drawn many at a time: one by one, it is what costs most of an id. */
const drawn = Buffer.alloc(idBytes * 256);
let used = drawn.length;

function newId(): string {
  if (used === drawn.length) {
    randomFillSync(drawn);
    used = 0;
  }
  used += idBytes;
  return drawn.toString('hex', used - idBytes, used);
}

/**
 * The id under which one request is found in answers and logs: the one of the client's trace (`traceparent`, W3C Trace
 * Context), else a new one. 32 hexadecimal digits.
 */
export function traceIdOf(request: Pick<IncomingMessage, 'headers'>): string {
  const parent = request.headers.traceparent;
  const sent = typeof parent === 'string' ? /^[0-9a-f]{2}-([0-9a-f]{32})-/.exec(parent)?.[1] : undefined;
  return sent !== undefined && sent !== '0'.repeat(32) ? sent : newId();
}
