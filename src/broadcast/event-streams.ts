import type { ServerResponse } from 'node:http';
import { Injectable } from '@nestjs/common';
import { Authorizer } from '../access/authorizer.js';
import type { Principal } from '../access/principal.js';
import { Config } from '../config/config.js';
import { Problem } from '../domain/problem.js';
import { Lifecycle } from '../lifecycle/lifecycle.js';
import { mayFollow } from './access-to-topics.js';
import { BroadcastMetrics } from './broadcast.metrics.js';
import { EventStream, type EventStreamHost } from './event-stream.js';
import { fitting } from './fitting.js';
import { Hub } from './hub.js';
import type { Joined } from './joined.js';
import { closeCode } from './protocol/close-codes.js';
import { leftOut, positionView } from './protocol/messages.js';
import { parseTopic } from './protocol/topics.js';
import type { Position } from './publication.js';
import type { SubscriptionOptions } from './subscription.js';
import type { Refusal } from './wire/handshake.js';
import { WsServer } from './ws-server.js';

/** How often a comment is sent; a client that has taken nothing for two of them is gone. */
const beatMs = 15_000;
/** Server-sent event streams of this process; each holds an HTTP connection. */
const maxStreams = 2_000;

/** What a client asked for. */
export interface StreamRequest {
  readonly topics: readonly string[];
  readonly options: SubscriptionOptions;
  /** Where it stands, from the id of the last event that it has. */
  readonly since: ReadonlyMap<string, Position>;
}

/** Whose a stream is. */
export interface StreamOwner {
  readonly principal: Principal;
  readonly address: string;
}

interface OpenStream {
  readonly stream: EventStream;
  readonly owner: StreamOwner;
}

/**
 * The event streams of this process: the same topics as `/ws/stream`, for clients behind proxies, with the same limits
 * per process, key and address, and the same loss of a revoked key.
 */
@Injectable()
export class EventStreams {
  private readonly open = new Map<number, OpenStream>();
  private readonly host: EventStreamHost;
  private timer: NodeJS.Timeout | null = null;

  constructor(
    config: Config,
    private readonly lifecycle: Lifecycle,
    private readonly hub: Hub,
    private readonly server: WsServer,
    authorizer: Authorizer,
    metrics: BroadcastMetrics,
  ) {
    this.host = {
      maxQueued: config.get('WS_MAX_QUEUED_BYTES'),
      epochOf: (topic) => hub.broker.get(topic)?.epoch ?? '',
      onDrained: (stream) => hub.onDrained(stream),
      onSlow: (stream) => {
        metrics.slowClosed.inc();
        hub.onSlow(stream);
      },
    };
    metrics.watchStreams(
      () => this.list(),
      () => this.open.size,
    );
    authorizer.onRevoked((ids, why) => {
      const code = why === 'expired' ? closeCode.tokenExpired : closeCode.tokenRevoked;
      for (const { stream, owner } of this.open.values()) if (ids.has(owner.principal.id)) stream.end(code);
    });
    lifecycle.onShutdown('drain-clients', 'event streams', () => {
      const spreadMs = config.get('SHUTDOWN_DRAIN_MS');
      // They are told together, and come back one by one.
      for (const { stream } of this.open.values()) {
        stream.end(closeCode.restart, Math.round(spreadMs * (1 + Math.random())));
      }
    });
  }

  /** With the id of the key that each belongs to. */
  *list(): Iterable<{ readonly client: EventStream; readonly key: string }> {
    for (const { stream, owner } of this.open.values()) yield { client: stream, key: owner.principal.id };
  }

  /** Ends one stream as an operator asks. @returns false when there is none of that id */
  disconnect(id: number): boolean {
    const found = this.open.get(id);
    found?.stream.end(closeCode.disconnected);
    return found !== undefined;
  }

  get size(): number {
    return this.open.size;
  }

  /** @throws Problem before anything is written, when the request cannot be served */
  check({ topics }: StreamRequest, principal: Principal | undefined, address: string): StreamOwner {
    if (this.lifecycle.isStopping) throw new Problem(503, 'DRAINING', 'The server is stopping.');
    const { admission } = this.server;
    const refused =
      admission.refuse(address) ?? (principal === undefined ? undefined : admission.refuseKey(principal.id));
    if (refused !== undefined) throw problemOf(refused);
    if (this.open.size >= maxStreams) {
      throw new Problem(503, 'TOO_MANY_CONNECTIONS', 'This process has as many event streams as it may.');
    }
    for (const topic of topics) {
      const name = parseTopic(topic);
      const pointer = '?topic';
      if (name === undefined) {
        throw new Problem(400, 'UNKNOWN_TOPIC', `There can be no topic "${topic}".`, {
          errors: [{ pointer, code: 'UNKNOWN_TOPIC', message: topic }],
        });
      }
      if (principal === undefined || !mayFollow(principal, name)) {
        throw new Problem(403, 'FORBIDDEN_TOPIC', `The key may not see "${topic}".`, {
          errors: [{ pointer, code: 'FORBIDDEN_TOPIC', message: topic }],
        });
      }
    }
    return { principal: principal!, address };
  }

  /** Serves a stream until its client goes. */
  async serve(response: ServerResponse, request: StreamRequest, owner: StreamOwner): Promise<void> {
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    response.write('retry: 2000\n\n');
    const stream = new EventStream(this.server.nextId(), owner.address, response, this.host);
    this.enter(stream, owner);
    response.on('close', () => this.leave(stream, owner));
    try {
      for (const topic of request.topics) await this.join(stream, topic, request);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      // The status has been sent: the reason goes with the end of the stream.
      stream.end({ ...closeCode.internal, reason: error.detail });
    }
  }

  /** Ends every stream that `select` picks. @returns how many */
  closeWhere(select: (owner: StreamOwner) => boolean): number {
    let count = 0;
    for (const { stream, owner } of this.open.values()) {
      if (!stream.isOpen || !select(owner)) continue;
      stream.end(closeCode.disconnected);
      count++;
    }
    return count;
  }

  private async join(
    stream: EventStream,
    topic: string,
    { topics, options, since }: StreamRequest,
  ): Promise<void> {
    const begun = (all: readonly Joined[]): void => {
      // All topics of the request share the room.
      for (const joined of fitting(all, this.host.maxQueued / 2 / topics.length, this.hub)) {
        const from = joined.missed[0]?.offset;
        const { epoch } = joined.position;
        const position = from === undefined ? joined.position : { epoch, offset: from - 1 };
        const text = JSON.stringify({ type: 'subscribed', ...positionView(joined) });
        stream.begin(joined.topic, position, text);
        this.hub.deliverMissed(joined.missed, stream);
      }
    };
    if (topic.endsWith('.*')) {
      const prefix = topic.slice(0, -1);
      const inside = [...since].filter(
        ([name]) => name.startsWith(prefix) && parseTopic(name)?.kind === 'topic',
      );
      await this.hub.subscribeFamily(stream, topic, options, new Map(inside), (all, beyond) => {
        begun(all);
        if (beyond > 0) {
          const said = { type: 'subscribed', topic, recovered: false, ...leftOut(beyond) };
          stream.tell(JSON.stringify(said));
        }
      });
    } else {
      await this.hub.subscribe(stream, topic, options, since.get(topic) ?? null, (joined) => begun([joined]));
    }
  }

  private enter(stream: EventStream, owner: StreamOwner): void {
    this.open.set(stream.id, { stream, owner });
    this.server.admission.enter(owner.address);
    this.server.admission.enterKey(owner.principal.id);
    this.timer ??= setInterval(() => {
      for (const { stream: each } of this.open.values()) if (!each.beat(2 * beatMs)) each.terminate();
    }, beatMs).unref();
  }

  private leave(stream: EventStream, { principal, address }: StreamOwner): void {
    this.open.delete(stream.id);
    this.server.admission.leave(address);
    this.server.admission.leaveKey(principal.id);
    this.hub.leave(stream);
    if (this.open.size > 0 || this.timer === null) return;
    clearInterval(this.timer);
    this.timer = null;
  }
}

function problemOf({ status, code, detail, headers }: Refusal): Problem {
  const seconds = Number(headers?.['Retry-After']);
  return new Problem(status, code, detail, Number.isNaN(seconds) ? {} : { retryAfterSeconds: seconds });
}
