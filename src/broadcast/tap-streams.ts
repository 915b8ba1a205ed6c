import type { ServerResponse } from 'node:http';
import { Injectable } from '@nestjs/common';
import { Authorizer } from '../access/authorizer.js';
import type { Principal } from '../access/principal.js';
import { unavailable } from '../domain/problem.js';
import { Lifecycle } from '../lifecycle/lifecycle.js';
import { Hub } from './hub.js';
import { type CloseCode, closeCode } from './protocol/close-codes.js';

/** Admins who look on at once. */
const maxTaps = 20;
/** What may wait for one that does not read, bytes; what does not fit is counted and named in the next event. */
const maxQueuedBytes = 256 * 1024;

/** The streams of `GET /api/v1/ops/tap`. Whoever looks on must not cost memory, nor see more than the key may. */
@Injectable()
export class TapStreams {
  private readonly open = new Map<ServerResponse, Principal>();

  constructor(
    private readonly hub: Hub,
    authorizer: Authorizer,
    lifecycle: Lifecycle,
  ) {
    authorizer.onRevoked((ids, why) => {
      const code = why === 'expired' ? closeCode.tokenExpired : closeCode.tokenRevoked;
      for (const [response, { id }] of this.open) if (ids.has(id)) this.end(response, code);
    });
    lifecycle.onShutdown('drain-clients', 'taps', () => {
      for (const response of this.open.keys()) this.end(response, closeCode.restart);
    });
  }

  /** @throws Problem before anything is written, when there are as many as may be */
  check(): void {
    if (this.open.size >= maxTaps) {
      throw unavailable('TOO_MANY_TAPS', 'As many admins look on as may.', 5);
    }
  }

  /** Tells of a topic, or a family, until its client goes. */
  serve(response: ServerResponse, topic: string, principal: Principal): void {
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
    });
    response.write(`event: tapping\ndata: ${JSON.stringify({ topic })}\n\n`);
    let missed = 0;
    const end = this.hub.taps.add(topic, (event) => {
      if (response.writableLength > maxQueuedBytes) {
        missed++;
        return;
      }
      const data = missed === 0 ? event : { ...event, missed };
      missed = 0;
      response.write(`event: ${event.event}\ndata: ${JSON.stringify(data)}\n\n`);
    });
    this.open.set(response, principal);
    response.on('close', () => {
      end();
      this.open.delete(response);
    });
  }

  private end(response: ServerResponse, { code, reason }: CloseCode): void {
    this.open.delete(response);
    response.end(`event: close\ndata: ${JSON.stringify({ code, reason })}\n\n`);
    // One that does not read would keep it open.
    setTimeout(() => response.destroy(), 1_000).unref();
  }
}
