import { type OnGatewayInit, WebSocketGateway } from '@nestjs/websockets';
import { errorMessage } from '../domain/error-message.js';
import type { Connection, ConnectionHandler } from './connection.js';
import { refusal } from './protocol/errors.js';
import { isRefused, pongText, readMessage } from './protocol/messages.js';
import type { EndpointOptions, WsEndpoint } from './ws-endpoint.js';

/**
 * `/ws/system/health`: answers pings, needs no key and says nothing of the data. Pings of the usual form are answered
 * by the connection itself; the others come here.
 */
@WebSocketGateway<EndpointOptions>({ path: '/ws/system/health', scope: null })
export class SystemHealthGateway implements OnGatewayInit<WsEndpoint>, ConnectionHandler {
  afterInit(endpoint: WsEndpoint): void {
    endpoint.handler = this;
  }

  onText(connection: Connection, bytes: Buffer, from: number, to: number): void {
    const request = readMessage(bytes.toString('utf8', from, to));
    if (isRefused(request)) connection.send(errorMessage(request.problem, request.id));
    else if (request.type === 'ping') connection.send(pongText(request.timestamp, Date.now()));
    else connection.send(errorMessage(refusal('UNKNOWN_TYPE'), request.id));
  }

  onBinary(connection: Connection): void {
    connection.send(errorMessage(refusal('BINARY_UNSUPPORTED'), null));
  }

  onClosed(): void {}

  onDrained(): void {}
}
