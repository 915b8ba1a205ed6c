import { type OnGatewayInit, WebSocketGateway } from '@nestjs/websockets';
import type { Connection, ConnectionHandler } from './connection.js';
import { refusal } from './protocol/errors.js';
import { isRefused, pongText, readMessage } from './protocol/messages.js';
import type { EndpointOptions, WsEndpoint } from './ws-endpoint.js';
import { WsServer } from './ws-server.js';

/**
 * `/ws/system/health`: answers pings, needs no key and says nothing of the data. Pings of the usual form are answered
 * by the connection itself; the others come here.
 */
@WebSocketGateway<EndpointOptions>({ path: '/ws/system/health', scope: null })
export class SystemHealthGateway implements OnGatewayInit<WsEndpoint>, ConnectionHandler {
  constructor(private readonly server: WsServer) {}

  afterInit(endpoint: WsEndpoint): void {
    endpoint.handler = this;
  }

  onText(connection: Connection, bytes: Buffer, from: number, to: number): void {
    const request = readMessage(bytes.toString('utf8', from, to));
    // However many: a client that measures asks again as soon as it has its answer, and is not read while it does not take it.
    if (!isRefused(request) && request.type === 'ping') {
      connection.send(pongText(request.timestamp, Date.now()));
    } else if (this.server.take(connection)) {
      const problem = isRefused(request) ? request.problem : refusal('UNKNOWN_TYPE');
      this.server.refuseMessage(connection, problem, request.id);
    }
  }

  onBinary(connection: Connection): void {
    if (!this.server.take(connection)) return;
    this.server.refuseMessage(connection, refusal('BINARY_UNSUPPORTED'), null);
  }

  onClosed(): void {}

  onDrained(): void {}
}
