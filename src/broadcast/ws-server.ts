import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { Injectable } from '@nestjs/common';
import { Authorizer } from '../access/authorizer.js';
import { mayUse, type Principal } from '../access/principal.js';
import { Config } from '../config/config.js';
import { errorMessage, type MessageId } from '../domain/error-message.js';
import { EventBus } from '../domain/event-bus.js';
import { Problem } from '../domain/problem.js';
import { refuseForeign } from '../http/origin-policy.js';
import { problemContentType, problemDetails } from '../http/problem-details.js';
import { traceIdOf } from '../http/trace-id.js';
import { Lifecycle } from '../lifecycle/lifecycle.js';
import { Admission } from './admission.js';
import { BroadcastMetrics } from './broadcast.metrics.js';
import { Connection, type ConnectionShare } from './connection.js';
import { Heartbeat } from './heartbeat.js';
import { type CloseCode, closeCode } from './protocol/close-codes.js';
import { refusal } from './protocol/errors.js';
import { idIn } from './protocol/messages.js';
import { RateBucket } from './rate-bucket.js';
import { FrameReader } from './wire/frame-reader.js';
import { acceptResponse, type Handshake, type Refusal, readHandshake } from './wire/handshake.js';
import { type EndpointOptions, WsEndpoint } from './ws-endpoint.js';

/** How long a peer may take to answer a close frame, ms. */
const closeTimeoutMs = 2_000;

/** Who a connection belongs to. */
export interface Session {
  principal: Principal | null;
  /** Of what the endpoint counts; made with the first. */
  rate?: RateBucket;
}

interface Endpoint {
  readonly endpoint: WsEndpoint;
  readonly share: ConnectionShare;
  readonly messagesPerSecond: number;
}

/**
 * Upgrades HTTP requests to WebSockets: path, limits, `Host` and `Origin`, handshake, key, in this order, before any
 * code of a gateway runs. Keeps the table of all connections of this process.
 */
@Injectable()
export class WsServer {
  readonly connections = new Map<number, Connection>();
  readonly admission: Admission;
  private readonly endpoints = new Map<string, Endpoint>();
  private readonly heartbeat: Heartbeat;
  private readonly reader: FrameReader;
  private readonly maxQueuedBytes: number;
  private readonly compression: boolean;
  private lastId = 0;

  constructor(
    private readonly config: Config,
    private readonly lifecycle: Lifecycle,
    private readonly authorizer: Authorizer,
    private readonly metrics: BroadcastMetrics,
    private readonly bus: EventBus,
  ) {
    this.admission = new Admission({
      maxConnections: config.get('WS_MAX_CONNECTIONS'),
      maxPerAddress: config.get('WS_MAX_CONNECTIONS_PER_ADDRESS'),
      // Without keys everybody is the same principal: only a limit that was asked for applies.
      maxPerKey:
        authorizer.isOpen && config.source('WS_MAX_CONNECTIONS_PER_KEY') === 'default'
          ? Number.POSITIVE_INFINITY
          : config.get('WS_MAX_CONNECTIONS_PER_KEY'),
      connectsPerSecond: config.get('WS_CONNECTS_PER_SECOND'),
    });
    this.heartbeat = new Heartbeat(config.get('WS_HEARTBEAT_MS'));
    this.reader = new FrameReader(config.get('WS_MAX_MESSAGE_BYTES'));
    this.maxQueuedBytes = config.get('WS_MAX_QUEUED_BYTES');
    this.compression = config.get('WS_COMPRESSION') === 'on';
    metrics.watchServer(this);
    authorizer.onRevoked((ids, why) => this.closeRevoked(ids, why));
    lifecycle.onShutdown('close', 'WebSocket server', () => this.stop());
  }

  /** The endpoint of a path; made on first use. */
  endpoint(options: EndpointOptions): WsEndpoint {
    const known = this.endpoints.get(options.path);
    if (known !== undefined) return known.endpoint;
    const endpoint = new WsEndpoint(options);
    const isLimited = options.rate !== undefined;
    const messagesPerSecond = this.config.get(options.rate ?? 'WS_MESSAGES_PER_SECOND');
    const share: ConnectionShare = {
      path: options.path,
      handler: {
        onText: (connection, bytes, from, to) => {
          this.metrics.received.inc();
          if (isLimited && !this.take(connection, bytes.subarray(from, to))) return;
          endpoint.handler?.onText(connection, bytes, from, to);
        },
        onBinary: (connection) => {
          if (!isLimited || this.take(connection)) endpoint.handler?.onBinary(connection);
        },
        onDrained: (connection) => endpoint.handler?.onDrained(connection),
        onClosed: (connection, code) => {
          this.forget(connection, code);
          endpoint.handler?.onClosed(connection, code);
        },
      },
      reader: this.reader,
      maxQueuedBytes: this.maxQueuedBytes,
      closeTimeoutMs,
      onSlow: (connection) => {
        this.metrics.slowClosed.inc();
        endpoint.handler?.onSlow?.(connection);
        connection.close(closeCode.slow);
      },
    };
    this.endpoints.set(options.path, { endpoint, share, messagesPerSecond });
    return endpoint;
  }

  /** The `upgrade` listener of the HTTP server. */
  readonly upgrade = (request: IncomingMessage, socket: Socket, head: Buffer): void => {
    const startedMs = performance.now();
    // Node has taken its own listeners off; an error before ours are on must not end the process.
    socket.on('error', destroySocket);
    const path = request.url === undefined ? '' : request.url.split('?', 1)[0]!;
    const target = this.endpoints.get(path);
    const address = socket.remoteAddress ?? 'unknown';
    if (this.lifecycle.isStopping) {
      this.refuse(request, socket, {
        status: 503,
        code: 'DRAINING',
        detail: 'The server is stopping.',
        headers: { 'Retry-After': '1' },
      });
      return;
    }
    const flood = this.admission.refuse(address);
    if (flood !== undefined) {
      this.refuse(request, socket, flood);
      return;
    }
    const foreign = refuseForeign(request.headers, this.authorizer.isOpen);
    if (foreign !== undefined) {
      this.refuse(request, socket, { status: foreign.status, code: foreign.code, detail: foreign.detail });
      return;
    }
    if (target === undefined) {
      this.refuse(request, socket, {
        status: 404,
        code: 'NOT_FOUND',
        detail: 'There is no WebSocket at this path.',
      });
      return;
    }
    const handshake = readHandshake(request.method, request.headers, this.compression);
    if ('status' in handshake) {
      this.refuse(request, socket, handshake);
      return;
    }
    const principal = this.identify(handshake, target.endpoint.options);
    if (principal !== null && 'status' in principal) {
      this.refuse(request, socket, principal);
      return;
    }
    const { id, connectedMs } = this.accept(
      socket,
      head,
      handshake,
      target.endpoint,
      target.share,
      principal,
    );
    this.bus.emit('connection.opened', {
      id,
      path,
      address,
      userAgent: request.headers['user-agent'] ?? null,
      subject: principal?.id ?? null,
      atMs: connectedMs,
    });
    this.metrics.accepted((performance.now() - startedMs) / 1000);
  };

  /**
   * Counts one message of a connection against its rate.
   * @param text the message, for the id that its refusal carries
   * @returns true when it may be looked at; else it was refused, and one that does not stop has been closed
   */
  take(connection: Connection, text?: Buffer): boolean {
    const session = connection.session as Session;
    session.rate ??= new RateBucket(this.endpoints.get(connection.path)!.messagesPerSecond);
    const verdict = session.rate.take(Date.now());
    if (verdict === 'ok') return true;
    if (verdict === 'flood') connection.close(closeCode.tooManyMessages);
    else this.refuseMessage(connection, refusal('RATE_LIMITED'), text === undefined ? null : idIn(text));
    return false;
  }

  /** Answers a message with a typed error. */
  refuseMessage(connection: Connection, problem: Problem, id: MessageId | null | undefined): void {
    this.metrics.errors.inc();
    connection.send(errorMessage(problem, id));
  }

  /** Gives a connection that came without a key the principal of the key it has shown since. */
  assign(connection: Connection, principal: Principal): Refusal | undefined {
    const session = connection.session as Session;
    if (session.principal?.id !== principal.id) {
      const refusal = this.admission.refuseKey(principal.id);
      if (refusal !== undefined) return refusal;
      if (session.principal !== null) this.admission.leaveKey(session.principal.id);
      this.admission.enterKey(principal.id);
    }
    session.principal = principal;
    return undefined;
  }

  /** Of one series for all clients of the process, so that operators need not tell them apart. */
  nextId(): number {
    return ++this.lastId;
  }

  /** Starts closing every connection that `select` picks. @returns how many */
  closeWhere(select: (connection: Connection) => boolean, entry: CloseCode, reason?: string): number {
    let count = 0;
    for (const connection of this.connections.values()) {
      if (!connection.isOpen || !select(connection)) continue;
      connection.close(entry, reason);
      count++;
    }
    return count;
  }

  stop(): void {
    this.heartbeat.stop();
    for (const connection of this.connections.values()) connection.terminate();
  }

  private identify(handshake: Handshake, { scope }: EndpointOptions): Principal | Refusal | null {
    const principal = this.authorizer.authenticate(handshake.token);
    if (principal === undefined) {
      if (handshake.token === null && (scope === null || scope === 'in-band')) return null;
      return {
        status: 401,
        code: 'KEY_REQUIRED',
        detail:
          'A valid API key is needed: in Sec-WebSocket-Protocol as "bearer.<key>", or in Authorization.',
        headers: { 'WWW-Authenticate': 'Bearer realm="tidewatch"' },
      };
    }
    if (scope != null && scope !== 'in-band' && !mayUse(principal, scope)) {
      const detail = `The key "${principal.id}" lacks the scope "${scope}".`;
      return { status: 403, code: 'SCOPE_MISSING', detail };
    }
    return this.admission.refuseKey(principal.id) ?? principal;
  }

  private accept(
    socket: Socket,
    head: Buffer,
    handshake: Handshake,
    endpoint: WsEndpoint,
    share: ConnectionShare,
    principal: Principal | null,
  ): Connection {
    socket.removeListener('error', destroySocket);
    socket.setNoDelay(true);
    socket.write(acceptResponse(handshake), 'latin1');
    const connection = new Connection(
      this.nextId(),
      socket,
      share,
      handshake.extension !== null,
      Date.now(),
      socket.remoteAddress ?? 'unknown',
    );
    const session: Session = { principal };
    connection.session = session;
    this.connections.set(connection.id, connection);
    this.admission.enter(connection.address);
    if (principal !== null) this.admission.enterKey(principal.id);
    this.heartbeat.add(connection);
    endpoint.onConnection(connection);
    if (head.length > 0) connection.onData(head);
    return connection;
  }

  private forget(connection: Connection, code: number): void {
    const { principal } = connection.session as Session;
    this.connections.delete(connection.id);
    this.heartbeat.delete(connection);
    this.admission.leave(connection.address);
    if (principal !== null) this.admission.leaveKey(principal.id);
    this.metrics.closed(code);
    this.bus.emit('connection.closed', { id: connection.id, code, atMs: Date.now() });
  }

  private closeRevoked(ids: ReadonlySet<string>, why: 'revoked' | 'expired'): void {
    this.closeWhere(
      (connection) => {
        const { principal } = connection.session as Session;
        return principal !== null && ids.has(principal.id);
      },
      why === 'expired' ? closeCode.tokenExpired : closeCode.tokenRevoked,
    );
  }

  /** Answers as every HTTP endpoint does: problem+json with the trace id. */
  private refuse(request: IncomingMessage, socket: Socket, refusal: Refusal): void {
    this.metrics.refused(refusal);
    const problem = new Problem(refusal.status, refusal.code, refusal.detail);
    const details = problemDetails(problem, traceIdOf(request));
    const body = JSON.stringify(details);
    const headers = Object.entries(refusal.headers ?? {}).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.end(
      `HTTP/1.1 ${details.status} ${details.title}\r\nContent-Type: ${problemContentType}\r\n` +
        `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n${headers.join('')}\r\n${body}`,
    );
    // Nobody reads from it any more, so a peer that keeps its side open would hold the socket for ever, outside of all limits.
    socket.destroySoon();
  }
}

function destroySocket(this: Socket): void {
  this.destroy();
}
