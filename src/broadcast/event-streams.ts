import type { ServerResponse } from 'node:http';
import { Injectable } from '@nestjs/common';
import type { Principal } from '../access/principal.js';
import { Config } from '../config/config.js';
import { Problem } from '../domain/problem.js';
import { Lifecycle } from '../lifecycle/lifecycle.js';
import { mayFollow } from './access-to-topics.js';
import { BroadcastMetrics } from './broadcast.metrics.js';
import { EventStream } from './event-stream.js';
import { Hub, type Joined } from './hub.js';
import { closeCode } from './protocol/close-codes.js';
import { positionView } from './protocol/messages.js';
import { parseTopic } from './protocol/topics.js';
import type { Position } from './publication.js';
import type { SubscriptionOptions } from './subscription.js';

const commentMs = 15_000;
/** Server-sent event streams of this process; each holds an HTTP connection. */
const maxStreams = 2_000;

/** What a client asked for. */
export interface StreamRequest {
  readonly topics: readonly string[];
  readonly options: SubscriptionOptions;
  /** Where it stands, from the id of the last event that it has. */
  readonly since: ReadonlyMap<string, Position>;
}

/** The event streams of this process: the same topics as `/ws/stream`, for clients behind proxies. */
@Injectable()
export class EventStreams {
  private readonly open = new Set<EventStream>();
  private timer: NodeJS.Timeout | null = null;

  constructor(
    config: Config,
    private readonly lifecycle: Lifecycle,
    private readonly hub: Hub,
    metrics: BroadcastMetrics,
  ) {
    metrics.watchStreams(() => this.open.size);
    lifecycle.onShutdown('drain-clients', 'event streams', () => {
      const reason = JSON.stringify({ reconnect_after_ms: config.get('SHUTDOWN_DRAIN_MS') });
      for (const stream of this.open) stream.end(closeCode.restart.code, reason);
    });
  }

  get size(): number {
    return this.open.size;
  }

  /** @throws Problem before anything is written, when the request cannot be served */
  check({ topics }: StreamRequest, principal: Principal | undefined): void {
    if (this.lifecycle.isStopping) throw new Problem(503, 'DRAINING', 'The server is stopping.');
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
        throw new Problem(403, 'FORBIDDEN_TOPIC', `The key may not see "${topic}".`);
      }
    }
  }

  /** Serves a stream until its client goes. */
  async serve(response: ServerResponse, request: StreamRequest): Promise<void> {
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    response.write('retry: 2000\n\n');
    const stream = new EventStream(
      response,
      (topic) => this.hub.broker.get(topic)?.epoch ?? '',
      () => this.hub.onDrained(stream),
    );
    this.open.add(stream);
    this.timer ??= setInterval(() => {
      for (const each of this.open) each.comment();
    }, commentMs).unref();
    response.on('close', () => this.forget(stream));
    for (const topic of request.topics) await this.join(stream, topic, request);
  }

  private async join(stream: EventStream, topic: string, { options, since }: StreamRequest): Promise<void> {
    const begun = (all: readonly Joined[]): void => {
      for (const joined of all) {
        const from = joined.missed[0]?.offset;
        const { epoch } = joined.position;
        const position = from === undefined ? joined.position : { epoch, offset: from - 1 };
        const text = JSON.stringify({ type: 'subscribed', ...positionView(joined) });
        stream.begin(joined.topic, position, text);
        this.hub.deliverMissed(joined.missed, stream);
      }
    };
    if (topic.endsWith('.*')) {
      const inside = [...since].filter(([name]) => name.startsWith(topic.slice(0, -1)));
      await this.hub.subscribeFamily(stream, topic, options, new Map(inside), begun);
    } else {
      await this.hub.subscribe(stream, topic, options, since.get(topic) ?? null, (joined) => begun([joined]));
    }
  }

  private forget(stream: EventStream): void {
    this.open.delete(stream);
    this.hub.leave(stream);
    if (this.open.size > 0 || this.timer === null) return;
    clearInterval(this.timer);
    this.timer = null;
  }
}
