import { type OnGatewayInit, WebSocketGateway } from '@nestjs/websockets';
import { StreamService } from './stream.service.js';
import type { EndpointOptions, WsEndpoint } from './ws-endpoint.js';

/** `/ws/stream`: topics. */
@WebSocketGateway<EndpointOptions>({ path: '/ws/stream', scope: 'in-band' })
export class StreamGateway implements OnGatewayInit<WsEndpoint> {
  constructor(private readonly stream: StreamService) {}

  afterInit(endpoint: WsEndpoint): void {
    endpoint.handler = this.stream;
    endpoint.onConnection = (connection) => this.stream.onConnection(connection);
  }
}
