import type { Server } from 'node:http';
import type { INestApplication, WebSocketAdapter, WsMessageHandler } from '@nestjs/common';
import type { Observable } from 'rxjs';
import { errorMessage, type MessageId } from '../domain/error-message.js';
import { Problem } from '../domain/problem.js';
import type { Connection, ConnectionHandler } from './connection.js';
import { refusal } from './protocol/errors.js';
import type { EndpointOptions, WsEndpoint } from './ws-endpoint.js';
import { WsServer } from './ws-server.js';

type ConnectCallback = (client: Connection) => void;
type Transform = (data: unknown) => Observable<unknown>;

/** Messages of one connection that gateways may be working on; beyond, the socket is not read. */
const maxInFlight = 32;

/** Nest's handlers of one connection. */
interface Bound {
  readonly handlers: ReadonlyMap<string, WsMessageHandler['callback']>;
  readonly transform: Transform;
  readonly onDisconnect: (() => void)[];
  inFlight: number;
}

/**
 * Puts Nest gateways on our own WebSocket server. A gateway that only uses `@SubscribeMessage('type')` gets the parsed
 * message whose `type` matches; what it returns is sent back as JSON, what it throws becomes a typed `error`, in both
 * cases with the `id` of the message. A gateway that is on the hot path sets `endpoint.handler` in `afterInit` instead.
 */
export class WsAdapter implements WebSocketAdapter<WsEndpoint, Connection, EndpointOptions> {
  private readonly server: WsServer;
  private readonly bound = new WeakMap<Connection, Bound>();

  constructor(app: INestApplication) {
    this.server = app.get(WsServer);
    const http = app.getHttpServer() as Server;
    http.on('upgrade', this.server.upgrade);
  }

  create(_port: number, options?: EndpointOptions): WsEndpoint {
    if (options?.path === undefined) throw new Error('a gateway needs a path: @WebSocketGateway({ path })');
    return this.server.endpoint(options);
  }

  bindClientConnect(endpoint: WsEndpoint, callback: ConnectCallback): void {
    // Nest's way costs memory per connection; a gateway with a handler of its own does without.
    if (endpoint.handler !== null) return;
    endpoint.handler = this.nestHandler;
    endpoint.onConnection = callback;
  }

  bindClientDisconnect(client: Connection, callback: () => void): void {
    this.bound.get(client)?.onDisconnect.push(callback);
  }

  bindMessageHandlers(client: Connection, handlers: WsMessageHandler[], transform: Transform): void {
    this.bound.set(client, {
      handlers: new Map(handlers.map(({ message, callback }) => [message, callback])),
      transform,
      onDisconnect: [],
      inFlight: 0,
    });
  }

  close(): void {
    // The lifecycle drains and ends the connections.
  }

  dispose(): void {}

  private readonly nestHandler: ConnectionHandler = {
    onText: (connection, bytes, from, to) => this.dispatch(connection, bytes.toString('utf8', from, to)),
    onBinary: (connection) => this.refuse(connection, refusal('BINARY_UNSUPPORTED'), null),
    onClosed: (connection) => {
      for (const callback of this.bound.get(connection)?.onDisconnect ?? []) callback();
    },
    onDrained: () => {},
  };

  /** What gateways work on is bounded by {@link maxInFlight}; what is wrong, by the rate of the connection. */
  private refuse(connection: Connection, problem: Problem, id: MessageId | null | undefined): void {
    if (this.server.take(connection)) this.server.refuseMessage(connection, problem, id);
  }

  private dispatch(connection: Connection, text: string): void {
    const bound = this.bound.get(connection);
    let message: { readonly type?: unknown; readonly id?: string | number };
    try {
      message = (JSON.parse(text) ?? {}) as typeof message;
    } catch (error) {
      const detail = `The message is not JSON: ${(error as Error).message}`;
      this.refuse(connection, refusal('MALFORMED_JSON', detail), null);
      return;
    }
    const callback = typeof message.type === 'string' ? bound?.handlers.get(message.type) : undefined;
    if (bound === undefined || callback === undefined) {
      this.refuse(connection, refusal('UNKNOWN_TYPE'), message.id);
      return;
    }
    bound.inFlight++;
    if (bound.inFlight >= maxInFlight) connection.socket.pause();
    const done = (): void => {
      bound.inFlight--;
      if (bound.inFlight < maxInFlight && connection.socket.isPaused()) connection.socket.resume();
    };
    bound.transform(callback(message)).subscribe({
      next: (answer) => {
        if (answer !== undefined) connection.send(JSON.stringify({ id: message.id, ...(answer as object) }));
      },
      error: (error: unknown) => {
        // The text of a defect stays here.
        const problem = error instanceof Problem ? error : refusal('INTERNAL_ERROR');
        connection.send(errorMessage(problem, message.id));
        done();
      },
      complete: done,
    });
  }
}
