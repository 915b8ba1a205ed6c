import { Injectable } from '@nestjs/common';
import { Authorizer } from '../access/authorizer.js';
import { Config } from '../config/config.js';
import type { MessageId } from '../domain/error-message.js';
import { Problem, wrongField } from '../domain/problem.js';
import { Logger, type ModuleLogger } from '../observability/logger.js';
import { inClientTrace } from '../observability/tracing/tracing.js';
import { mayFollow } from './access-to-topics.js';
import type { Connection, ConnectionHandler } from './connection.js';
import { fitting } from './fitting.js';
import { Hub } from './hub.js';
import type { Joined } from './joined.js';
import { closeCode } from './protocol/close-codes.js';
import { type ErrorCode, refusal } from './protocol/errors.js';
import * as message from './protocol/messages.js';
import { parseTopic, type TopicName } from './protocol/topics.js';
import type { Position } from './publication.js';
import { type Session, WsServer } from './ws-server.js';

/** How long a connection may stay without a key where keys are needed, ms. */
const authTimeoutMs = 5_000;

/** What `/ws/stream` keeps with a connection. */
interface StreamSession extends Session {
  /** Topics that are being subscribed to; each until its answer is out. */
  joining?: Map<string, Promise<void>>;
}

/** The requests of `/ws/stream`: parse, authorise, hand to the hub. */
@Injectable()
export class StreamService implements ConnectionHandler {
  private readonly maxSubscriptions: number;
  private readonly log: ModuleLogger;

  constructor(
    config: Config,
    logger: Logger,
    private readonly authorizer: Authorizer,
    private readonly server: WsServer,
    private readonly hub: Hub,
  ) {
    this.maxSubscriptions = config.get('WS_MAX_SUBSCRIPTIONS');
    this.log = logger.child('broadcast');
  }

  onConnection(connection: Connection): void {
    if (sessionOf(connection).principal !== null) return;
    setTimeout(() => {
      if (sessionOf(connection).principal === null) connection.close(closeCode.unauthenticated);
    }, authTimeoutMs).unref();
  }

  onText(connection: Connection, bytes: Buffer, from: number, to: number): void {
    if (!this.server.take(connection, bytes.subarray(from, to))) return;
    const request = message.readMessage(bytes.toString('utf8', from, to));
    if (message.isRefused(request)) {
      this.refuse(connection, request.problem, request.id);
      return;
    }
    switch (request.type) {
      case 'ping':
        connection.send(message.pongText(request.timestamp, Date.now()));
        return;
      case 'auth':
        inClientTrace(request.traceparent, 'ws auth', undefined, () =>
          this.authenticate(connection, request),
        );
        return;
      case 'subscribe':
        inClientTrace(request.traceparent, 'ws subscribe', { 'tidewatch.topic': request.topic }, () =>
          this.subscribe(connection, request),
        ).catch((error: unknown) => this.failed(connection, request.id, error));
        return;
      case 'unsubscribe':
        inClientTrace(request.traceparent, 'ws unsubscribe', { 'tidewatch.topic': request.topic }, () =>
          this.unsubscribe(connection, request),
        ).catch((error: unknown) => this.failed(connection, request.id, error));
    }
  }

  onBinary(connection: Connection): void {
    if (!this.server.take(connection)) return;
    this.refuse(connection, refusal('BINARY_UNSUPPORTED'), null);
  }

  onClosed(connection: Connection): void {
    this.hub.leave(connection);
  }

  onDrained(connection: Connection): void {
    this.hub.onDrained(connection);
  }

  onSlow(connection: Connection): void {
    this.hub.onSlow(connection);
  }

  private async subscribe(connection: Connection, request: message.Subscribe): Promise<void> {
    const { topic, id } = request;
    const name = parseTopic(topic);
    const conflict = message.conflictIn(request);
    if (name !== undefined && conflict !== undefined) {
      this.refuse(connection, conflict, id);
      return;
    }
    const session = sessionOf(connection);
    session.joining ??= new Map();
    // What a client says of one topic is done in the order in which it says it.
    while (session.joining.has(topic)) await session.joining.get(topic);
    const code = this.refusalOf(connection, session, topic, name);
    if (code !== undefined) {
      this.refuse(connection, refusal(code), id);
      return;
    }
    const joined =
      name?.kind === 'family' ? this.joinFamily(connection, request) : this.joinTopic(connection, request);
    session.joining.set(topic, joined.then(ignore, ignore));
    try {
      await joined;
    } finally {
      session.joining.delete(topic);
    }
  }

  private refusalOf(
    connection: Connection,
    { principal, joining }: StreamSession,
    topic: string,
    name: TopicName | undefined,
  ): ErrorCode | undefined {
    if (name === undefined) return 'UNKNOWN_TOPIC';
    if (principal === null) return 'KEY_REQUIRED';
    if (!mayFollow(principal, name)) return 'FORBIDDEN_TOPIC';
    if (connection.subscriptions.some((s) => s.topic === topic)) return 'ALREADY_SUBSCRIBED';
    const total = connection.subscriptions.length + (joining?.size ?? 0);
    return total >= this.maxSubscriptions ? 'TOO_MANY_SUBSCRIPTIONS' : undefined;
  }

  private joinTopic(connection: Connection, request: message.Subscribe): Promise<void> {
    const options = message.optionsOf(request);
    const { since = null } = request;
    if (since !== null && !isPosition(since)) {
      this.refuse(connection, wrongField('/since', 'is to be {epoch, offset} for a topic'), request.id);
      return Promise.resolve();
    }
    return this.hub.subscribe(connection, request.topic, options, since, (joined) => {
      if (this.hasLostRight(connection, request)) return;
      const [answered] = fitting([joined], connection.share.maxQueuedBytes / 2, this.hub) as [Joined];
      connection.send(message.subscribedText(request, options, answered));
      this.sendMissed(connection, answered);
    });
  }

  private joinFamily(connection: Connection, request: message.Subscribe): Promise<void> {
    const options = message.optionsOf(request);
    const { since } = request;
    const prefix = request.topic.slice(0, -1);
    const isInside = (topic: string) => topic.startsWith(prefix) && parseTopic(topic)?.kind === 'topic';
    if (since !== undefined && (isPosition(since) || !Object.keys(since).every(isInside))) {
      const problem = wrongField('/since', 'is to be {"<topic of the family>": {epoch, offset}, …}');
      this.refuse(connection, problem, request.id);
      return Promise.resolve();
    }
    const positions = new Map<string, Position>(Object.entries(since ?? {}));
    return this.hub.subscribeFamily(connection, request.topic, options, positions, (all, beyond) => {
      if (this.hasLostRight(connection, request)) return;
      const maxSnapshots = request.snapshot ? undefined : Number.POSITIVE_INFINITY;
      const answered = fitting(all, connection.share.maxQueuedBytes / 2, this.hub, maxSnapshots);
      connection.send(message.subscribedFamilyText(request, options, answered, beyond));
      for (const joined of answered) this.sendMissed(connection, joined);
    });
  }

  /** While the broker was asked, the connection may have been given another key. */
  private hasLostRight(connection: Connection, { id, topic }: message.Subscribe): boolean {
    const { principal } = sessionOf(connection);
    if (principal !== null && mayFollow(principal, parseTopic(topic)!)) return false;
    this.hub.unsubscribe(connection.subscriptions.find((s) => s.topic === topic)!);
    this.refuse(connection, refusal('FORBIDDEN_TOPIC'), id);
    return true;
  }

  private sendMissed(connection: Connection, { missed }: Joined): void {
    this.hub.deliverMissed(missed, connection);
  }

  private async unsubscribe(connection: Connection, { id, topic }: message.Unsubscribe): Promise<void> {
    const { joining } = sessionOf(connection);
    while (joining?.has(topic)) await joining.get(topic);
    const subscription = connection.subscriptions.find((s) => s.topic === topic);
    if (subscription === undefined) {
      this.refuse(connection, refusal('NOT_SUBSCRIBED'), id);
      return;
    }
    this.hub.unsubscribe(subscription);
    connection.send(message.unsubscribedText(id, topic));
  }

  /** A first key, or a fresh one: topics that the new key may not see are taken away. */
  private authenticate(connection: Connection, { id, token }: message.Auth): void {
    const principal = this.authorizer.authenticate(token);
    if (principal === undefined) {
      this.refuse(connection, refusal('INVALID_TOKEN'), id);
      return;
    }
    const full = this.server.assign(connection, principal);
    if (full !== undefined) {
      this.refuse(connection, new Problem(full.status, full.code, full.detail), id);
      return;
    }
    connection.send(message.authenticatedText(id, principal));
    for (const subscription of [...connection.subscriptions]) {
      const name = parseTopic(subscription.topic);
      if (name !== undefined && mayFollow(principal, name)) continue;
      this.hub.unsubscribe(subscription);
      connection.send(message.unsubscribedText(undefined, subscription.topic, 'FORBIDDEN_TOPIC'));
    }
  }

  private refuse(connection: Connection, problem: Problem, id: MessageId | null | undefined): void {
    this.server.refuseMessage(connection, problem, id);
  }

  private failed(connection: Connection, id: MessageId | undefined, error: unknown): void {
    if (!(error instanceof Problem)) this.log.error({ err: error }, 'a subscription failed');
    this.refuse(connection, error instanceof Problem ? error : refusal('INTERNAL_ERROR'), id);
  }
}

const ignore = (): void => {};

const sessionOf = (connection: Connection): StreamSession => connection.session as StreamSession;

const isPosition = (since: NonNullable<message.Subscribe['since']>): since is Position =>
  typeof since.epoch === 'string' && typeof since.offset === 'number';
